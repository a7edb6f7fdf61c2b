"""The network by the standard library's HTTP client."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from device_agent.exchange.transport import Arriving, Request, Transport

SILENCE_S: Final = 10.0
WHOLE_S: Final = 60.0
_CHUNK: Final = 64 * 1024


class HttpTransport(Transport):
    """HTTP/1.1 with the system's certificates: ten seconds of silence, or a minute in all, end an exchange."""

    @contextmanager
    def open(self, request: Request) -> Iterator[Arriving]:
        """Send a request and give its answer as it arrives."""
        parts = urlsplit(request.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=SILENCE_S)
        # A server that sends a byte now and then is never silent: something else must end it.
        watchdog = threading.Timer(WHOLE_S, _hang_up, (connection,))
        watchdog.daemon = True
        watchdog.start()
        try:
            connection.request(request.method, parts.path or "/", request.body, dict(request.headers))
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            yield Arriving(response.status, headers, _chunks(response))
        finally:
            watchdog.cancel()
            connection.close()


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read1(_CHUNK):
        yield chunk
    if response.length:
        raise ConnectionError("the answer ends early")


def _hang_up(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
