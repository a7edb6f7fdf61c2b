"""The network by the standard library's HTTP client."""

from __future__ import annotations

import contextlib

# The interpreter loads it while it looks a name up, and a fork at that moment would leave a child that never can.
import encodings.idna  # noqa: F401
import io
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

from device_agent.clock import monotonic
from device_agent.exchange.patience import Patience
from device_agent.exchange.transport import Arriving, Request, Transport

SILENCE_S: Final = 10.0
WHOLE_S: Final = 60.0
_CHUNK: Final = 64 * 1024


class HttpTransport(Transport):
    """HTTP/1.1 with the system's certificates: ``silence`` or ``whole`` seconds in all end an exchange.

    A request that may be kept gets the seconds of its patience on top of both.
    """

    def __init__(self, *, silence: float = SILENCE_S, whole: float = WHOLE_S) -> None:
        self._silence = silence
        self._whole = whole

    @contextmanager
    def open(self, request: Request) -> Iterator[Arriving]:
        """Send a request and give its answer as it arrives."""
        parts = urlsplit(request.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection: Any = kind(parts.hostname or "", parts.port, timeout=self._silence)
        patience = request.patience or Patience(0)
        connection.connect()
        with connection.sock as connected:
            connection.sock = line = _Line(connected, self._silence + patience.seconds, self._whole + patience.seconds)
            patience.depends_on(line.hang_up)
            connection.request(request.method, parts.path or "/", request.body, dict(request.headers))
            with connection.getresponse() as response:
                headers = {name.lower(): value for name, value in response.getheaders()}
                yield Arriving(response.status, headers, _chunks(response))


class _Line:
    """What HTTP's client needs of a connected socket: each wait ends after ``silence`` seconds, all after ``whole``.

    A server that sends a byte now and then is never silent, so every wait is also cut to what is left of the whole.
    """

    def __init__(self, line: socket.socket, silence: float, whole: float) -> None:
        self._line = line
        self._silence = silence
        self._until = monotonic() + whole

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self.read_into))

    def read_into(self, buffer: Any) -> int:
        self._limit_wait()
        return self._line.recv_into(buffer)

    def sendall(self, content: bytes) -> None:
        self._limit_wait()
        self._line.sendall(content)

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        # The client closes as soon as it has read the head of a last answer, while its body still arrives.
        pass

    def _limit_wait(self) -> None:
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError("the server took too long")
        self._line.settimeout(min(self._silence, left))


class _Reader(io.RawIOBase):
    def __init__(self, read_into: Callable[[Any], int]) -> None:
        self._read_into = read_into

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._read_into(buffer)


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read1(_CHUNK):
        yield chunk
    if response.length:
        raise ConnectionError("the answer ends early")
