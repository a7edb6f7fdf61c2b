"""Lines from a receiver as they arrive: opened when needed, read without waiting, bounded in every direction."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from device_agent.errors import LocationError

_CONNECT_S: Final = 1.0
_READ_BYTES: Final = 65_536
# More than a receiver can say between two reads: what waits is old, or someone floods the device.
_FLOOD_BYTES: Final = 262_144
# A source that is not there is tried again after 1, 2, 4, … reads, at most this many.
_LONGEST_PAUSE: Final = 32


class Lines:
    """``open_channel`` returns a descriptor that does not block; ``longest`` bounds a line in bytes.

    ``refused`` counts by code what was thrown away: ``line.oversized``, ``stream.flooded``, ``stream.unreachable``.
    """

    def __init__(self, open_channel: Callable[[], int], longest: int) -> None:
        self.refused: Counter[str] = Counter()
        self._open_channel = open_channel
        self._longest = longest
        self._channel: int | None = None
        self._process = 0
        self._failures = 0
        self._pause = 0
        self._rest = b""
        self._is_skipping = False

    def arrived(self) -> list[bytes]:
        """Return the whole lines that have arrived since, without their ends; none where the source is dead."""
        if self._channel is None or self._process != os.getpid():
            # A child must not share a stream with its parent: each would get half of the lines.
            self.close()
            self._open()
        if self._channel is None:
            return []
        rest, is_skipping = self._rest, self._is_skipping
        lines = (rest + self._receive(self._channel)).split(b"\n")
        last = lines.pop()
        if self._channel is not None:
            self._rest, self._is_skipping = last, is_skipping and not lines
        return self._within_bounds(lines, is_skipping)

    def close(self) -> None:
        """Let go of the channel; it is opened again when lines are next asked for."""
        channel, self._channel = self._channel, None
        self._rest, self._is_skipping = b"", False
        if channel is not None:
            os.close(channel)

    def _open(self) -> None:
        if self._pause > 0:
            self._pause -= 1
            return
        try:
            self._channel = self._open_channel()
        except OSError:
            self._fail()
        else:
            self._process = os.getpid()

    def _fail(self) -> None:
        self.close()
        self.refused["stream.unreachable"] += 1
        self._pause = min(2**self._failures, _LONGEST_PAUSE)
        self._failures = min(self._failures + 1, _LONGEST_PAUSE)

    def _receive(self, channel: int) -> bytes:
        received = bytearray()
        while len(received) <= _FLOOD_BYTES:
            try:
                part = os.read(channel, _READ_BYTES)
            except BlockingIOError:
                self._failures = 0
                return bytes(received)
            except OSError:
                part = b""
            if not part:
                self._fail()
                return bytes(received)
            received += part
        self.close()
        self.refused["stream.flooded"] += 1
        return b""

    def _within_bounds(self, lines: list[bytes], is_skipping: bool) -> list[bytes]:
        """Drop lines that are too long, of which the first may have lost its beginning already."""
        if len(self._rest) > self._longest:
            # Its end will come later; none of it is kept meanwhile.
            self._rest, self._is_skipping = b"", True
        kept = [line.rstrip(b"\r") for line in lines if len(line) <= self._longest]
        if is_skipping and lines and len(lines[0]) <= self._longest:
            del kept[0]
        self.refused["line.oversized"] += len(lines) - len(kept)
        return kept


def tcp(host: str, port: int, greeting: bytes = b"") -> Callable[[], int]:
    """Return what opens a TCP connection and sends ``greeting``."""

    def open_channel() -> int:
        with socket.create_connection((host, port), timeout=_CONNECT_S) as connection:
            connection.sendall(greeting)
            connection.setblocking(False)
            return connection.detach()

    return open_channel


def device(path: Path) -> Callable[[], int]:
    """Return what opens a serial line or a named pipe, whose settings stay as they are (see ``stty``).

    Raises:
        LocationError: ``location.recording`` for an ordinary file.
    """
    if path.is_file():
        raise LocationError("A recording is not a receiver; replay it instead.", code="location.recording")
    return lambda: os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
