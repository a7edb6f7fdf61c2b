"""What all sources together say: a position that nothing speaks against."""

from __future__ import annotations

from collections import OrderedDict
from math import inf
from typing import Final

from device_agent.location.agreement import FRESH_S, disagreement
from device_agent.location.implausible import Implausible
from device_agent.location.plausibility import Sighting
from device_agent.location.track import Track
from licensing_protocol.limits import Fix
from licensing_protocol.time_bounds import TimeBounds

_MAX_SOURCES: Final = 16


class Positions:
    """The tracks of the device's sources, by name. One thread at a time."""

    def __init__(self) -> None:
        self._tracks: OrderedDict[str, Track] = OrderedDict()

    def take(
        self, source: str, fix: Fix, boottime: float, bounds: TimeBounds | None = None, fastest: float = inf
    ) -> Sighting | Implausible | None:
        """Return where the device is, why the position is not used, or ``None`` where another one is better.

        Of sources that agree, the one with the smallest uncertainty is followed. Of sources that contradict each
        other none is: which of them is forged cannot be told. A source that says nothing contradicts nobody.

        ``boottime`` in seconds since start, ``fastest`` in metres a second; ``bounds`` is the trusted time, if any.
        """
        track = self._track(source)
        taken = track.take(Sighting(fix, boottime), bounds, fastest)
        if not isinstance(taken, Sighting):
            return taken
        others = self._fresh(track, boottime)
        for other in others:
            problem = disagreement(taken, other, fastest)
            if problem is not None:
                return problem
        better = any(other.fix.uncertainty_m < fix.uncertainty_m for other in others)
        return None if better else taken

    def _track(self, source: str) -> Track:
        track = self._tracks.setdefault(source, Track())
        self._tracks.move_to_end(source)
        if len(self._tracks) > _MAX_SOURCES:
            self._tracks.popitem(last=False)
        return track

    def _fresh(self, track: Track, boottime: float) -> list[Sighting]:
        seen = [other.last for other in self._tracks.values() if other is not track]
        return [last for last in seen if last is not None and boottime - last.boottime <= FRESH_S]
