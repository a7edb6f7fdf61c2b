"""A server that sends exactly the bytes that a test gives it, so that it can be as rude as a network can."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType

Reply = Callable[[socket.socket], None]


class RudeServer:
    """Answers each connection by ``reply``, after it has read the request's head."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.requests: list[bytes] = []

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> RudeServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            try:
                self.requests.append(connection.recv(65_536))
                self._reply(connection)
            except OSError:
                # The other side hung up, as it should.
                continue


def sending(*parts: bytes) -> Reply:
    """Send these bytes and hang up."""

    def reply(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    return reply


def silent(connection: socket.socket) -> None:
    """Say nothing, and keep the line open."""


def trickling(head: bytes) -> Reply:
    """Send ``head``, and after it a byte now and then."""

    def reply(connection: socket.socket) -> None:
        connection.sendall(head)
        pause = threading.Event()
        while not pause.wait(0.05):
            connection.sendall(b"x")

    return reply


def endless(connection: socket.socket) -> None:
    """Send for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65_536)
