"""A socket to listen on, and an ASGI application that answers on it until a signal."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from licensing_server.problem import Unavailable

_GRACE_S = 5
_BACKLOG = 2_048


class Server(uvicorn.Server):
    """Answers until SIGTERM or SIGINT; ``announce`` is called once requests are answered."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        if self.started:
            self._announce()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal. Unlike uvicorn's, it is not raised again: to stop when asked to is success."""

        def stop(signal_number: int, frame: FrameType | None) -> None:
            self.handle_exit(signal_number, frame)

        before: dict[int, Any] = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def config_of(app: ASGIApp, trusted_proxies: str) -> uvicorn.Config:
    """Return how an application is served; ``trusted_proxies`` are addresses whose X-Forwarded-For is believed."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        proxy_headers=True,
        forwarded_allow_ips=trusted_proxies,
        timeout_graceful_shutdown=_GRACE_S,
    )


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 for any free one.

    Raises:
        Unavailable: ``serve.address``.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Said to be TCP, or asyncio would let each answer's body wait until the client has acknowledged its head.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        reason = (error.strerror or "not possible").lower()
        raise Unavailable("serve.address", f"Cannot listen on {host} port {port}: {reason}; choose another.") from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return where a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
