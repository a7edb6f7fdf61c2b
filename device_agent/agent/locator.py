"""Takes the positions of the product's sources, and journals what should not be passed over."""

from __future__ import annotations

import threading
from math import inf
from typing import Final

from device_agent import journal
from device_agent.clock import Reading
from device_agent.enforcement import Beliefs, Enforcer
from device_agent.errors import StoreError
from device_agent.location import Implausible, Positions, Problem, Sighting, kept, sound
from licensing_protocol.canonical import JsonObject
from licensing_protocol.journal import EventType
from licensing_protocol.limits import Fix
from licensing_protocol.time_bounds import TimeBounds

# A receiver that is misled says so many times a second; once a minute of each kind is enough to know.
_REPORT_S: Final = 60.0
# How old the newest position that is kept on disk may be: so much longer may a way seem to have taken after a crash.
KEEP_S: Final = 60.0


class Locator:
    """Where one product is. All methods can be called from any thread."""

    def __init__(self, beliefs: Beliefs, enforcer: Enforcer) -> None:
        self._beliefs = beliefs
        self._enforcer = enforcer
        self._start = ""
        self._begin()
        self._reported: dict[Problem, float] = {}
        self.forked()

    def forked(self) -> None:
        """Take note that this is a child process: its parent's locks are not its own."""
        self._lock = threading.Lock()

    def locate(self, fix: Fix, source: str) -> None:
        """Take a position of a source, unless something speaks against it: that is journalled instead.

        Raises:
            MalformedFix: it is no position.
        """
        fix = sound(fix)
        with self._lock:
            reading = self._beliefs.clock.read()
            self._begin_anew_with_each_start()
            taken = self._positions.take(source, fix, reading.boottime, self._bounds(reading), self._fastest())
            if isinstance(taken, Sighting):
                self._enforcer.move(taken)
            elif isinstance(taken, Implausible):
                self._doubt(taken, reading)
            if self._start and not self._shared_at <= reading.boottime < self._shared_at + KEEP_S:
                self._share(reading)
            self._report_silence(reading)

    @property
    def silent(self) -> tuple[str, ...]:
        """The sources that spoke in this start and have been silent for a while, by name."""
        with self._lock:
            self._begin_anew_with_each_start()
            self._learn(self._start)
            return tuple(sorted(self._positions.silent(self._beliefs.clock.boottime())))

    def _begin_anew_with_each_start(self) -> None:
        # Ways and speeds are told by the time since start, and only of one and the same start.
        start = self._beliefs.start
        if self._start != start:
            self._begin()
            self._start = start if self._learn(start) else ""

    def _begin(self) -> None:
        self._start, self._positions = "", Positions()
        self._shared_at = -inf
        self._silence_reported: frozenset[str] = frozenset()

    def _learn(self, start: str) -> bool:
        """Go on from what other processes, or this one before it began anew, have kept; tell whether that is known."""
        try:
            with self._beliefs.store.read() as connection:
                self._positions.resume(kept.read(connection, start))
        except StoreError:
            return False
        return True

    def _share(self, reading: Reading) -> None:
        try:
            with self._beliefs.store.write() as connection:
                shared = kept.share(connection, self._start, self._positions.sightings)
        except StoreError:
            # Without a store everything is denied, and the next position tries again.
            return
        self._positions.resume(shared)
        self._shared_at = reading.boottime

    def _fastest(self) -> float:
        """Return the lowest of the speeds that the entitlement's grants name: the device is one thing."""
        try:
            entitlement = self._beliefs.state.entitlement
        except StoreError:
            return inf
        platforms = [] if entitlement is None else [grant.limits.platform for grant in entitlement.grants.values()]
        return min((platform.max_speed_mps for platform in platforms if platform is not None), default=inf)

    def _bounds(self, reading: Reading) -> TimeBounds | None:
        try:
            return self._beliefs.bounds(reading)
        except StoreError:
            return None

    def _doubt(self, implausible: Implausible, reading: Reading) -> None:
        if implausible.problem is Problem.DISAGREEMENT:
            # The position in use comes from one of them, and which of them is right cannot be told.
            self._enforcer.move(None)
        reported = self._reported.get(implausible.problem, -inf)
        if reported <= reading.boottime < reported + _REPORT_S:
            return
        if self._journal(EventType.POSITION_IMPLAUSIBLE, implausible.to_data(), reading):
            self._reported[implausible.problem] = reading.boottime

    def _report_silence(self, reading: Reading) -> None:
        """Journal once of each source that it fell silent while another one went on."""
        silent = self._positions.silent(reading.boottime)
        if silent <= self._silence_reported:
            self._silence_reported = silent
            return
        sources = len(self._positions.sightings)
        data: JsonObject = {"sources": sources, "silent": len(silent)}
        if len(silent) < sources and self._journal(EventType.POSITION_UNCONFIRMED, data, reading):
            self._silence_reported = silent

    def _journal(self, event: EventType, data: JsonObject, reading: Reading) -> bool:
        """Tell whether it is recorded; if not, the next position tries again."""
        try:
            bounds = self._beliefs.bounds(reading)
            with self._beliefs.store.write() as connection:
                journal.append(connection, event, data, bounds, reading.boot)
        except StoreError:
            return False
        return True
