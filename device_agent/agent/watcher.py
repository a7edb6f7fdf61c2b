"""What is looked at beside the product's own calls: the clocks, the place, and the product's parts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from math import inf
from typing import Final

from device_agent.agent.background import Worker
from device_agent.agent.locator import Locator
from device_agent.agent.observer import Observer
from device_agent.clock import Clock
from device_agent.enforcement import Enforcer
from device_agent.errors import StoreError
from device_agent.location import LocationSource

_EVERY_S: Final = 1.0
_MEASURE_S: Final = 2.0
# A product with very many files is looked at less often: measuring takes at most this share of one core.
_MEASURE_SHARE: Final = 0.05


class Watcher:
    """Runs about once a second."""

    def __init__(
        self,
        clock: Clock,
        enforcer: Enforcer,
        observer: Observer,
        locator: Locator,
        locations: Sequence[LocationSource],
    ) -> None:
        self._clock = clock
        self._enforcer = enforcer
        self._observer = observer
        self._locator = locator
        self._locations = locations
        self._measured, self._measure_at = -inf, -inf
        self.worker = Worker("interlock-watch", self.step)

    def step(self) -> float:
        """Look once, and return the seconds until the next look."""
        # Time passes, and its mark is kept, also while the product asks nothing.
        self._enforcer.refresh()
        self._enforcer.flush()
        for number, location in enumerate(self._locations):
            fix = location.poll()
            if fix is not None:
                self._locator.locate(fix, f"location {number}")
        self._measure()
        return _EVERY_S

    def _measure(self) -> None:
        begun = self._clock.boottime()
        if self._measured <= begun < self._measure_at:
            return
        with suppress(StoreError):
            self._observer.measure(whole=False)
        ended = self._clock.boottime()
        self._measured, self._measure_at = ended, ended + max(_MEASURE_S, (ended - begun) / _MEASURE_SHARE)
