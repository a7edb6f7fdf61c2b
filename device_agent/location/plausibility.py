"""How fast the device must have moved to be where it is said to be (protocol §3 ``platform``).

Pure, and never unfair: distance and time are both rounded in the device's favour, so that a speed which is over the
limit here was over it in truth, or the receiver is wrong about its own uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Final

from licensing_protocol.limits import Fix

_MEAN_RADIUS_M: Final = 6_371_008.8
# On a sphere of that radius a distance comes out at most 0.56 % longer than on WGS 84.
_SPHERE_TO_ELLIPSOID: Final = 1 - 0.0056
# A position is dated when it is handed over, not when the receiver took it.
_DATING_ERROR_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """A position and when it was taken: ``boottime`` in seconds since this start of the device."""

    fix: Fix
    boottime: float


def implied_speed(before: Sighting, after: Sighting) -> float:
    """Return the least speed (metres a second) that leads from one sighting to the next.

    Zero where both positions may be one place within their uncertainties.
    """
    distance = _distance(before.fix, after.fix) * _SPHERE_TO_ELLIPSOID
    least = max(0.0, distance - before.fix.uncertainty_m - after.fix.uncertainty_m)
    return least / (max(0.0, after.boottime - before.boottime) + _DATING_ERROR_S)


def _distance(one: Fix, other: Fix) -> float:
    """Return the great-circle distance in metres (haversine)."""
    latitude, other_latitude = radians(one.latitude), radians(other.latitude)
    north = sin((other_latitude - latitude) / 2) ** 2
    east = sin(radians(other.longitude - one.longitude) / 2) ** 2
    chord = north + cos(latitude) * cos(other_latitude) * east
    return 2 * _MEAN_RADIUS_M * asin(min(1.0, sqrt(chord)))
