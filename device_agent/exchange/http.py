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
    """HTTP/1.1 with the system's certificates: ``silence`` or ``whole`` seconds in all end an exchange."""

    def __init__(self, *, silence: float = SILENCE_S, whole: float = WHOLE_S) -> None:
        self._silence = silence
        self._whole = whole

    @contextmanager
    def open(self, request: Request) -> Iterator[Arriving]:
        """Send a request and give its answer as it arrives."""
        parts = urlsplit(request.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self._silence)
        try:
            connection.connect()
            with self._watched(connection.sock):
                connection.request(request.method, parts.path or "/", request.body, dict(request.headers))
                with connection.getresponse() as response:
                    headers = {name.lower(): value for name, value in response.getheaders()}
                    yield Arriving(response.status, headers, _chunks(response))
        finally:
            connection.close()

    @contextmanager
    def _watched(self, line: socket.socket) -> Iterator[None]:
        # A server that sends a byte now and then is never silent: something else must end it.
        late = threading.Event()
        watchdog = threading.Timer(self._whole, _hang_up, (line, late))
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()
        if late.is_set():
            # What was cut off can look whole: HTTP lets a body run to the end of the line.
            raise TimeoutError("the server took too long")


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read1(_CHUNK):
        yield chunk
    if response.length:
        raise ConnectionError("the answer ends early")


def _hang_up(line: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
