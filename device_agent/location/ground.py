"""Distances over ground, quick and with a known error: what is near needs no ellipsoid. Pure."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import Final

from licensing_protocol.limits import Fix

_MEAN_RADIUS_M: Final = 6_371_008.8
# On a sphere of that radius a distance comes out at most 0.56 % longer than on WGS 84, and less than 0.56 % shorter.
SPHERE_ERROR: Final = 0.0056


def distance_m(one: Fix, other: Fix) -> float:
    """Return the great-circle distance (haversine)."""
    latitude, other_latitude = radians(one.latitude), radians(other.latitude)
    north = sin((other_latitude - latitude) / 2) ** 2
    east = sin(radians(other.longitude - one.longitude) / 2) ** 2
    chord = north + cos(latitude) * cos(other_latitude) * east
    return 2 * _MEAN_RADIUS_M * asin(min(1.0, sqrt(chord)))


def way_m(start: Fix, end: Fix) -> tuple[float, float]:
    """Return how far north and east one comes on a way of a few kilometres, away from the poles."""
    turn = (end.longitude - start.longitude + 180) % 360 - 180
    middle = radians((start.latitude + end.latitude) / 2)
    return _MEAN_RADIUS_M * radians(end.latitude - start.latitude), _MEAN_RADIUS_M * radians(turn) * cos(middle)
