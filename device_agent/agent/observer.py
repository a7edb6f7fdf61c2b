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
from device_agent.location import Sighting, implied_speed, sound
from device_agent.measurement import Change, FileReader, Measured, Settings, changes, kept, measure
from licensing_protocol.canonical import JsonObject
from licensing_protocol.journal import EventType
from licensing_protocol.limits import Fix

# A receiver that is misled says so many times a second; once a minute is enough to know.
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
        self._sighting: Sighting | None = None
        self._reported = -inf
        self.forked()

    def forked(self) -> None:
        """Take note that this is a child process: its parent's locks are not its own."""
        self._placing, self._measuring = threading.Lock(), threading.Lock()

    def locate(self, fix: Fix) -> None:
        """Take a position, unless the device cannot have come there since the last one: that is journalled instead.

        Raises:
            MalformedFix: it is no position.
        """
        sound(fix)
        with self._placing:
            reading = self._beliefs.clock.read()
            sighting = Sighting(fix, reading.boottime)
            fastest = self._fastest()
            speed = 0.0 if self._sighting is None else implied_speed(self._sighting, sighting)
            if speed <= fastest:
                self._sighting = sighting
                self._enforcer.move(sighting)
            elif not self._reported <= reading.boottime < self._reported + _REPORT_S:
                self._report_implausible(speed, fastest, reading)

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

    def _fastest(self) -> float:
        """Return the lowest of the speeds that the entitlement's grants name: the device is one thing."""
        try:
            entitlement = self._beliefs.state.entitlement
        except StoreError:
            return inf
        platforms = [] if entitlement is None else [grant.limits.platform for grant in entitlement.grants.values()]
        return min((platform.max_speed_mps for platform in platforms if platform is not None), default=inf)

    def _report_implausible(self, speed: float, fastest: float, reading: Reading) -> None:
        data: JsonObject = {"implied_mps": int(speed), "limit_mps": int(fastest)}
        try:
            bounds = self._beliefs.bounds(reading)
            with self._beliefs.store.write() as connection:
                journal.append(connection, EventType.POSITION_IMPLAUSIBLE, data, bounds, reading.boot)
        except StoreError:
            # The position is not used either way, and the next one tries again.
            return
        self._reported = reading.boottime
