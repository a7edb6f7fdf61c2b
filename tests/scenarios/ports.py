"""The world around a device, as its owner can bend it: clocks, receivers, and the line to the exporter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from device_agent.clock import Clock, Reading, SystemClock
from device_agent.exchange import HttpTransport, Transport
from device_agent.exchange.transport import Arriving, Request
from device_agent.location import LocationSource
from licensing_protocol.canonical import JsonObject, decode_object, encode
from licensing_protocol.limits import Fix

_ASKED_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Dial:
    """How the device's clocks stand against this machine's, which all its processes share; in seconds.

    ``ahead`` is the wall clock's lead, ``began`` what the machine's BOOTTIME was when the device's boot began.
    """

    ahead: float
    began: float


class ToldClock(Clock):
    """Clocks that run, from where they were last set."""

    def __init__(self, dial: Dial, boot: str) -> None:
        self.dial = dial
        self._boot = boot
        self._machine = SystemClock()

    def read(self) -> Reading:
        """Read all clocks together."""
        dial, now = self.dial, self._machine.read()
        return Reading(now.wall + dial.ahead, now.boottime - dial.began, self._boot)


class ToldReceiver(LocationSource):
    """Gives each position that it is told once, and then none."""

    def __init__(self) -> None:
        self._fix: Fix | None = None
        self._asked = threading.Event()

    def tell(self, fix: Fix | None) -> None:
        """Have a new position, or none."""
        self._fix = fix
        self._asked.clear()

    def read(self) -> Fix | None:
        """Return what it was told since it was last asked."""
        fix, self._fix = self._fix, None
        self._asked.set()
        return fix

    def wait(self) -> bool:
        """Wait until the agent has asked, and tell whether it did."""
        return self._asked.wait(_ASKED_WITHIN_S)


class ToldLine(Transport):
    """The network, ``whole`` or bent: ``cut`` lets nothing pass, ``mute`` no report, ``deaf`` no list; ``replay`` puts
    an ``old`` entitlement into each answer.

    Whoever has the line can do all that, if the owner of the device lets them end its TLS.
    """

    def __init__(self) -> None:
        self.state = "whole"
        self.old = ""
        self._http = HttpTransport()

    def open(self, request: Request) -> AbstractContextManager[Arriving]:
        """Send a request, unless the line does not let it pass."""
        if self.state == "cut" or self.state == ("mute" if request.method == "POST" else "deaf"):
            raise ConnectionError("the line is cut")
        if self.state == "replay" and request.method == "POST":
            return self._swapped(request)
        return self._http.open(request)

    @contextmanager
    def _swapped(self, request: Request) -> Iterator[Arriving]:
        with self._http.open(request) as arriving:
            answer: JsonObject = decode_object(b"".join(arriving.chunks)) | {"entitlement": self.old}
            yield Arriving(arriving.status, arriving.headers, iter([encode(answer)]))
