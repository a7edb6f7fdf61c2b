"""Places, as (latitude, longitude) in degrees, and a zone around one of them."""

from __future__ import annotations

from licensing_protocol.canonical import JsonObject
from tests.scenarios.device import Position

STRASBOURG: Position = (48.5846, 7.7507)
OFFENBURG: Position = (48.4730, 7.9440)
# One degree of latitude in metres, nearly enough.
_DEGREE_M = 111_000.0


def north_of(position: Position, metres: float) -> Position:
    """Return the place so many metres north of another."""
    return position[0] + metres / _DEGREE_M, position[1]


def around(position: Position, radius_m: float) -> JsonObject:
    """Return a zone that is a circle."""
    circle = {"center": [position[1], position[0]], "radius_m": radius_m}
    return {"name": "the district", "geometry": {"circle": circle}, "source": "drawn", "accuracy_m": 0, "pov": "none"}


def within(*zones: str, max_age: int = 60) -> JsonObject:
    """Return an area limit that allows some zones."""
    return {"allow": list(zones), "deny": [], "max_age": max_age, "max_uncertainty_m": 100}
