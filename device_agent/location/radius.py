"""The radius that holds the true position with 95 % probability, from what receivers say of their error.

Each figure is read in the way that makes the circle the larger: a circle that is too small would move a device across
a border that it never crossed.
"""

from __future__ import annotations

from math import hypot
from typing import Final

from device_agent.errors import LocationError

# The 95 % range error of a single-frequency receiver without and with corrections; the figures that gpsd uses.
_RANGE_ERROR_M: Final = 15.0
_CORRECTED_RANGE_ERROR_M: Final = 3.75
# Receivers write 99.99 for a geometry that they do not know.
_UNKNOWN_DILUTION: Final = 99.0


def from_deviations(one_m: float, other_m: float) -> float:
    """Return the radius for standard deviations (metres) along two axes at right angles.

    Twice their root sum of squares (2DRMS) holds 95.4 % where one of them is zero and 98.2 % where they are equal,
    whichever two axes they are given for.

    Raises:
        LocationError: no deviation at all: a receiver that claims to be without error says nothing of it.
    """
    radius = 2 * hypot(one_m, other_m)
    if min(one_m, other_m) >= 0 and 0 < radius < float("inf"):
        return radius
    raise LocationError("A receiver's standard deviations are positive metres.")


def from_estimate(error_m: float) -> float:
    """Return the radius for a horizontal error (metres) of unstated certainty: taken to be one standard deviation."""
    return from_deviations(error_m, 0.0)


def from_dilution(hdop: float, *, corrected: bool) -> float:
    """Return the radius for a horizontal dilution of precision; ``corrected`` where differential corrections are used.

    Raises:
        LocationError: the receiver does not know its geometry.
    """
    if not 0 < hdop < _UNKNOWN_DILUTION:
        raise LocationError("A horizontal dilution of precision is above 0 and below 99.")
    return hdop * (_CORRECTED_RANGE_ERROR_M if corrected else _RANGE_ERROR_M)
