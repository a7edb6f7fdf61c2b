"""Where a position lies against one zone: by itself, and cautiously after a stricter answer (protocol §3).

A border answers by itself within a margin: the position's radius and the border's accuracy. The cautious answer keeps
twice the radius more of distance before it is the better one. Two positions of one place, each within its radius, are
at most that far apart: so of such positions none is answered cautiously better than another is by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import hypot
from typing import Final, Protocol

from licensing_protocol.limits.fix import Fix
from licensing_protocol.limits.zone import Zone

# A degree of latitude, or of longitude, is nowhere longer.
_DEGREE_M: Final = 111_700.0
_EVERYWHERE_M: Final = 1e9


class Whereabouts(StrEnum):
    """A position against one zone, or against a whole area."""

    IN = "in"
    OUT = "out"
    UNCERTAIN = "uncertain"


# By what a border says: 0, 1, and -1.
_NAMES: Final = (Whereabouts.UNCERTAIN, Whereabouts.OUT, Whereabouts.IN)


class Border(Protocol):
    """What :mod:`~licensing_protocol.limits.border` makes of a zone's geometry."""

    def signed_distance(self, fix: Fix) -> float:
        """Return metres to the border, negative inside."""
        ...

    def beyond(self, fix: Fix, margin: float) -> int:
        """Return 0 within ``margin`` metres of the border; beyond that -1 inside and 1 outside."""
        ...


@dataclass(frozen=True, slots=True)
class Bordered:
    """A zone with its border ready; ``allowed`` tells on which side the better answer is."""

    zone: Zone
    border: Border
    allowed: bool

    def margin_m(self, fix: Fix) -> float:
        """Return within how many metres of the border nothing is sure."""
        return fix.uncertainty_m + self.zone.accuracy_m

    def plainly(self, fix: Fix) -> Whereabouts:
        """Answer for this position by itself."""
        return _NAMES[self.border.beyond(fix, self.margin_m(fix))]

    def cautiously(self, fix: Fix) -> Whereabouts:
        """Answer so that the better side begins farther from the border, and the worse one nearer to it or beyond."""
        better = -1 if self.allowed else 1
        margin, more = self.margin_m(fix), 2 * fix.uncertainty_m
        if self.border.beyond(fix, margin + more) == better:
            return _NAMES[better]
        side = self.border.beyond(fix, abs(margin - more))
        is_worse = side == -better if margin >= more else side != better
        return _NAMES[-better if is_worse else 0]


class Nearest:
    """Tells the zone whose border is nearest, and measures again only when another one can have become it."""

    def __init__(self, zones: list[Bordered]) -> None:
        self._zones = zones
        self._measured: tuple[Fix, float, str] | None = None

    def name(self, fix: Fix) -> str:
        """Return the name of the zone that is nearest to a position outside of all."""
        if self._measured is not None:
            measured_at, good_for, name = self._measured
            if _at_most_apart_m(measured_at, fix) < good_for:
                return name
        ordered = sorted((zone.border.signed_distance(fix), number) for number, zone in enumerate(self._zones))
        name = self._zones[ordered[0][1]].zone.name
        # Each metre of way brings another zone at most two metres closer than this one.
        good_for = (ordered[1][0] - ordered[0][0]) / 2 if len(ordered) > 1 else _EVERYWHERE_M
        self._measured = fix, good_for, name
        return name


def _at_most_apart_m(one: Fix, other: Fix) -> float:
    return _DEGREE_M * hypot(one.latitude - other.latitude, one.longitude - other.longitude)
