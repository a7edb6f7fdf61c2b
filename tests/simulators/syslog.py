"""A syslog server over TLS, as RFC 5425 counts messages; it can hang up in the middle."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.simulators.web import server_context


@dataclass
class SyslogServer:
    """``taken`` are the messages that arrived whole; the next connections are ``cut`` after so many.

    So many of the first connections are ``deaf``: it ends its half of them at once, and reads nothing.
    """

    taken: list[bytes] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    deaf: int = 0
    address: str = ""

    @contextmanager
    def serving(self, certificate: Path) -> Iterator[SyslogServer]:
        """Serve on a free port of this machine."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.address = f"tls://127.0.0.1:{listening.getsockname()[1]}"
            thread = threading.Thread(target=self._serve, args=(listening, server_context(certificate)))
            thread.start()
            try:
                yield self
            finally:
                listening.shutdown(socket.SHUT_RDWR)
                thread.join()

    def _serve(self, listening: socket.socket, context: ssl.SSLContext) -> None:
        with suppress(OSError):
            while True:
                plain, _address = listening.accept()
                with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) as secure:
                    if self.deaf:
                        self.deaf -= 1
                        _ignore(secure)
                    else:
                        self._read(secure)

    def _read(self, secure: ssl.SSLSocket) -> None:
        most = self.cut.pop(0) if self.cut else None
        stream = secure.makefile("rb")
        while most is None or most > 0:
            length = b""
            while (char := stream.read(1)) not in {b" ", b""}:
                length += char
            if not length:
                secure.unwrap()
                return
            self.taken.append(stream.read(int(length)))
            most = None if most is None else most - 1
        # It hangs up with what it has not read: the sender cannot know how much arrived.
        secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def _ignore(secure: ssl.SSLSocket) -> None:
    # Below TLS, without its goodbye; the kernel takes in what comes, and it comes to nothing.
    with socket.socket(fileno=secure.detach()) as plain:
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(65_536):
            pass
