"""Positions that come again: a receiver that is frozen while it reports movement, and a track played a second time.

Standing still is no fault. A device on a wall, or a receiver that filters well, gives one position for days; so
without a reported movement nothing is said here.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, TypeAlias

from device_agent.location.ground import distance_m
from device_agent.location.implausible import Implausible, Problem
from device_agent.location.observation import Observation
from device_agent.location.plausibility import Sighting
from licensing_protocol.limits import Fix

Place: TypeAlias = tuple[float, float]
# An hour at one position a second; who plays a longer track in a loop is not noticed by this.
REMEMBERED: Final = 3600
# So many in a row are no accident, where each is given to metres.
SAME_IN_A_ROW: Final = 10
# A track may be played backwards, and some of its positions be passed over.
_SKIPPED: Final = 3
# With coordinates this coarse (11 m) the same road gives the same positions every day.
_COARSE_DECIMALS: Final = 4
# A receiver may round a slow circle to one place; not a way this many times its uncertainty.
_FROZEN_WAYS: Final = 10


class Repetition:
    """What one source has said before. Give it each position once, in the order in which they came."""

    def __init__(self) -> None:
        self._places: OrderedDict[Place, int] = OrderedDict()
        self._number = 0
        self._last: Sighting | None = None
        self._followed = -1
        self._run = 0
        self._run_begun: Fix | None = None
        self._stood = 0
        self._reported_way_m = 0.0

    def take(self, sighting: Sighting) -> Implausible | None:
        """Return why this position repeats others in a way that none does of itself."""
        last, self._last = self._last, sighting
        if last is not None and _place(last.fix) == _place(sighting.fix):
            return self._stand(last, sighting)
        self._stood, self._reported_way_m = 0, 0.0
        return self._move(sighting.fix)

    def _stand(self, last: Sighting, sighting: Sighting) -> Implausible | None:
        seen = sighting.fix
        self._stood += 1
        if isinstance(seen, Observation) and seen.speed_mps is not None:
            self._reported_way_m += seen.speed_mps * max(0.0, sighting.boottime - last.boottime)
        uncertain = last.fix.uncertainty_m + seen.uncertainty_m
        if self._stood < SAME_IN_A_ROW or self._reported_way_m <= _FROZEN_WAYS * uncertain:
            return None
        return Implausible(Problem.FROZEN, {"positions": self._stood, "reported_way_m": int(self._reported_way_m)})

    def _move(self, fix: Fix) -> Implausible | None:
        place = _place(fix)
        earlier = None if _is_coarse(place) else self._places.get(place)
        self._remember(place)
        if earlier is None:
            self._run, self._run_begun = 0, None
            return None
        if not 0 < abs(earlier - self._followed) <= _SKIPPED or self._run_begun is None:
            self._run, self._run_begun = 0, fix
        self._run, self._followed = self._run + 1, earlier
        way = distance_m(self._run_begun or fix, fix)
        # Places that a receiver hops between while it stands are near each other.
        if self._run < SAME_IN_A_ROW or way <= 2 * fix.uncertainty_m:
            return None
        return Implausible(Problem.REPLAYED, {"positions": self._run, "way_m": int(way)})

    def _remember(self, place: Place) -> None:
        self._number += 1
        self._places[place] = self._number
        self._places.move_to_end(place)
        if len(self._places) > REMEMBERED:
            self._places.popitem(last=False)


def _place(fix: Fix) -> Place:
    return fix.latitude, fix.longitude


def _is_coarse(place: Place) -> bool:
    return all(round(degrees, _COARSE_DECIMALS) == degrees for degrees in place)
