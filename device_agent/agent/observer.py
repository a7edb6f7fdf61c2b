"""Looks at the product's place and parts, and journals what should not be passed over."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Final

from device_agent import journal
from device_agent.clock import Reading
from device_agent.enforcement import Beliefs, Enforcer
from device_agent.errors import StoreError
from device_agent.location import Implausible, Positions, Problem, Sighting, sound
from device_agent.measurement import Change, FileReader, Measured, Settings, changes, kept, measure
from licensing_protocol.journal import EventType
from licensing_protocol.limits import Fix
from licensing_protocol.time_bounds import TimeBounds

# A receiver that is misled says so many times a second; once a minute of each kind is enough to know.
_REPORT_S: Final = 60.0
_ATTEMPTS: Final = 3


class Observer:
    """Positions and measurements of one product. All methods can be called from any thread."""

    def __init__(
        self, beliefs: Beliefs, enforcer: Enforcer, product_folder: Path | None, settings: Settings | None
    ) -> None:
        self._beliefs = beliefs
        self._enforcer = enforcer
        self._folder = product_folder
        self._settings = settings
        self._reader = FileReader()
        self._positions = Positions()
        self._start = ""
        self._reported: dict[Problem, float] = {}
        self.forked()

    def forked(self) -> None:
        """Take note that this is a child process: its parent's locks are not its own."""
        self._placing, self._measuring = threading.Lock(), threading.Lock()

    def locate(self, fix: Fix, source: str) -> None:
        """Take a position of a source, unless something speaks against it: that is journalled instead.

        Raises:
            MalformedFix: it is no position.
        """
        sound(fix)
        with self._placing:
            reading = self._beliefs.clock.read()
            self._begin_anew_with_each_start()
            taken = self._positions.take(source, fix, reading.boottime, self._bounds(reading), self._fastest())
            if isinstance(taken, Sighting):
                self._enforcer.move(taken)
            elif isinstance(taken, Implausible):
                self._doubt(taken, reading)

    def measure(self, *, whole: bool = True) -> tuple[Change, ...]:
        """Measure the product's components, and journal once what changed since any process measured last.

        Unless ``whole``, files that nobody has touched are not read again.

        Raises:
            StoreError: a change could not be journalled; the next measurement finds it again.
        """
        with self._measuring:
            if whole:
                self._reader.forget()
            for _ in range(_ATTEMPTS):
                with self._beliefs.store.read() as connection:
                    before = kept.digests(connection)
                found = measure(self._beliefs.manifest.measure, self._folder, self._settings, self._reader)
                changed = self._keep(before, found)
                if changed is not None:
                    return changed
            return ()

    def _keep(self, before: Mapping[str, bytes], found: tuple[Measured, ...]) -> tuple[Change, ...] | None:
        """Keep what was found; ``None`` where another process kept something newer meanwhile."""
        named = {component.name for component in self._beliefs.manifest.measure}
        if before.keys() <= named and all(before.get(component.name) == component.digest for component in found):
            return ()
        reading = self._beliefs.clock.read()
        with self._beliefs.store.write() as connection:
            if kept.digests(connection) != before:
                return None
            changed = changes(kept.read(connection), found)
            kept.write(connection, found, named)
            for change in changed:
                bounds = self._beliefs.bounds(reading)
                journal.append(connection, EventType.CONFIGURATION_CHANGED, change.to_data(), bounds, reading.boot)
        return changed

    def _begin_anew_with_each_start(self) -> None:
        # Ways and speeds are told by the time since start, and only of one and the same start.
        if self._start != self._beliefs.start:
            self._start, self._positions = self._beliefs.start, Positions()

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
        if self._is_due(implausible.problem, reading):
            self._report_implausible(implausible, reading)

    def _is_due(self, problem: Problem, reading: Reading) -> bool:
        reported = self._reported.get(problem, -inf)
        return not reported <= reading.boottime < reported + _REPORT_S

    def _report_implausible(self, implausible: Implausible, reading: Reading) -> None:
        try:
            bounds = self._beliefs.bounds(reading)
            with self._beliefs.store.write() as connection:
                data = implausible.to_data()
                journal.append(connection, EventType.POSITION_IMPLAUSIBLE, data, bounds, reading.boot)
        except StoreError:
            # The position is not used either way, and the next one tries again.
            return
        self._reported[implausible.problem] = reading.boottime
