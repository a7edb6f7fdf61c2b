"""Connections to a server: where to, how, and until when."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

_TIMEOUT_S: Final = 30.0


def parts_of(address: str) -> SplitResult | None:
    """Return the parts of an address at which somebody can be asked; ``None`` for any other.

    The name and the port are such as there can be, and what follows them is written in ASCII.
    """
    try:
        parts = urlsplit(address)
        (parts.hostname or "").encode("idna")
        is_sound = bool(parts.hostname) and parts.port != 0 and (parts.path + parts.query).isascii()
    except ValueError:
        return None
    return parts if is_sound else None


def connected(address: str, context: ssl.SSLContext | None) -> http.client.HTTPConnection:
    """Return a connection to an address that :func:`parts_of` takes, through the proxy of the network if it has one."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT_S)
    context = context or ssl.create_default_context()
    proxy = urlsplit(getproxies().get("https", ""))
    if not proxy.hostname or is_this_machine(host) or proxy_bypass(host):
        return http.client.HTTPSConnection(host, parts.port, timeout=_TIMEOUT_S, context=context)
    connection = http.client.HTTPSConnection(proxy.hostname, proxy.port, timeout=_TIMEOUT_S, context=context)
    connection.set_tunnel(host, parts.port)
    return connection


@contextmanager
def ending(connected: socket.socket, after_s: float) -> Iterator[None]:
    """End a connection after so many seconds; TimeoutError where the block has not ended before."""
    over = threading.Event()

    def end() -> None:
        over.set()
        with suppress(OSError):
            # Below TLS, whose own end would wait for the other side.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(after_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if over.is_set():
        raise TimeoutError("its answer does not end")


def is_this_machine(host: str) -> bool:
    """Tell whether a host is the machine that asks."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
