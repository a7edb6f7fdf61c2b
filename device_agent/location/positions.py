"""What all sources together say: a position that nothing speaks against."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from math import inf
from typing import Final

from device_agent.location.agreement import disagreement
from device_agent.location.implausible import Implausible
from device_agent.location.plausibility import Sighting
from device_agent.location.track import Track
from licensing_protocol.limits import Fix
from licensing_protocol.time_bounds import TimeBounds

_MAX_SOURCES: Final = 16
# From when on a source counts as silent, and for how long the others are followed without it (seconds).
SILENT_S: Final = 600.0
ALONE_S: Final = 3600.0


class Positions:
    """The tracks of the device's sources, by name. One thread at a time."""

    def __init__(self) -> None:
        self._tracks: OrderedDict[str, Track] = OrderedDict()

    def take(
        self, source: str, fix: Fix, boottime: float, bounds: TimeBounds | None = None, fastest: float = inf
    ) -> Sighting | Implausible | None:
        """Return where the device is, why the position is not used, or ``None`` where another one is better.

        Of sources that agree, the one with the smallest uncertainty is followed. Of sources that contradict each
        other none is: which of them is forged cannot be told. One that fell silent contradicts what cannot be reached
        from where it was last; and after :data:`ALONE_S` the others alone are not followed until it speaks again.

        ``boottime`` in seconds since start, ``fastest`` in metres a second; ``bounds`` is the trusted time, if any.
        """
        track = self._track(source)
        taken = track.take(Sighting(fix, boottime), bounds, fastest)
        if not isinstance(taken, Sighting):
            return taken
        others = [other for other in self._tracks.values() if other is not track]
        for last in (other.last for other in others if other.last is not None):
            problem = disagreement(taken, last, fastest)
            if problem is not None:
                return problem
            if boottime - last.boottime > ALONE_S:
                return None
        return None if any(other.is_closer(taken) for other in others) else taken

    @property
    def sightings(self) -> dict[str, Sighting]:
        """The newest plausible position of each source."""
        return {name: track.last for name, track in self._tracks.items() if track.last is not None}

    def resume(self, sightings: Mapping[str, Sighting]) -> None:
        """Hold what follows against what each source said last, where that is newer than what is known."""
        for name, sighting in sightings.items():
            self._track(name).resume(sighting)

    def silent(self, boottime: float) -> frozenset[str]:
        """Return the sources of which nothing plausible has been heard for a while."""
        tracks = self._tracks.items()
        return frozenset(name for name, track in tracks if track.last and boottime - track.last.boottime > SILENT_S)

    def _track(self, source: str) -> Track:
        track = self._tracks.setdefault(source, Track())
        self._tracks.move_to_end(source)
        if len(self._tracks) > _MAX_SOURCES:
            self._tracks.popitem(last=False)
        return track
