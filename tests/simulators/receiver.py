"""A receiver on the network: a TCP server that says what a test gives it, and notes what it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from device_agent.location import LocationSource, Observation

T = TypeVar("T")
_WAIT_S = 5.0
_PAUSE_S = 0.005


class ReceiverSimulator:
    """Serves one client after another on a port of its own; ``heard`` is what clients sent."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(_WAIT_S)
        self._client: socket.socket | None = None
        self.port: int = self._server.getsockname()[1]

    def accept(self) -> None:
        """Wait for the next client."""
        self.drop()
        self._client, _ = self._server.accept()
        self._client.settimeout(_WAIT_S)

    def say(self, data: bytes) -> None:
        """Send to the client."""
        self._connected.sendall(data)

    def hear(self, length: int) -> bytes:
        """Return what the client sent."""
        return self._connected.recv(length, socket.MSG_WAITALL)

    def drop(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def close(self) -> None:
        """End everything."""
        self.drop()
        self._server.close()

    @property
    def _connected(self) -> socket.socket:
        assert self._client is not None
        return self._client


@contextmanager
def receiver() -> Iterator[ReceiverSimulator]:
    """Run one while the block lasts."""
    simulator = ReceiverSimulator()
    try:
        yield simulator
    finally:
        simulator.close()


def eventually(ask: Callable[[], T | None]) -> T:
    """Return the first answer that is one: what was sent over a socket arrives a little later."""
    pause = threading.Event()
    for _ in range(int(_WAIT_S / _PAUSE_S)):
        answer = ask()
        if answer:
            return answer
        pause.wait(_PAUSE_S)
    raise AssertionError("nothing came")


def position(source: LocationSource) -> Observation:
    """Return the next position that a source gives."""
    observation = eventually(source.read)
    assert isinstance(observation, Observation)
    return observation
