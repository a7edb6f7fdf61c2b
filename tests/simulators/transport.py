"""A network between the agent and a server in the same process, which fails as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from httpx2 import Client

from device_agent.exchange import Arriving, Request, Transport

Fault = Callable[[Request, Callable[[], Arriving]], Arriving]


def undisturbed(request: Request, arrive: Callable[[], Arriving]) -> Arriving:
    """This once nothing goes wrong."""
    return arrive()


def lost_reply(request: Request, arrive: Callable[[], Arriving]) -> Arriving:
    """The server does its work, and its answer never comes."""
    arrive()
    raise ConnectionResetError("connection reset by peer")


def no_network(request: Request, arrive: Callable[[], Arriving]) -> Arriving:
    """Nothing gets through."""
    raise OSError("network is unreachable")


def answering(status: int, body: bytes, **headers: str) -> Fault:
    """Somebody else answers, and the server never hears of it."""

    def fault(request: Request, arrive: Callable[[], Arriving]) -> Arriving:
        return Arriving(status, {name.replace("_", "-"): value for name, value in headers.items()}, iter([body]))

    return fault


captive_portal = answering(200, b"<html><body>Welcome! Please sign in.</body></html>", content_type="text/html")
broken_server = answering(500, b"Internal Server Error", content_type="text/plain")


@dataclass
class SimulatedNetwork(Transport):
    """Leads every https address to one application. ``faults`` meet the next requests in order, ``sent`` keeps all."""

    client: Client
    faults: list[Fault] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)
    blocked: Callable[[Request], bool] = lambda request: False

    @contextmanager
    def open(self, request: Request) -> Iterator[Arriving]:
        """Send a request and give its answer as it arrives."""
        self.sent.append(request)
        if self.blocked(request):
            raise OSError("network is unreachable")
        fault = self.faults.pop(0) if self.faults else None
        yield self._arrive(request) if fault is None else fault(request, lambda: self._arrive(request))

    def _arrive(self, request: Request) -> Arriving:
        response = self.client.request(
            request.method,
            request.url,
            content=request.body,
            headers=dict(request.headers),
            follow_redirects=False,
        )
        headers = {
            name.lower(): value for name, value in response.headers.items() if name.lower() != "content-encoding"
        }
        return Arriving(response.status_code, headers, iter([response.content]))
