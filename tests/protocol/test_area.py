"""Areas at the places where maps are awkward; test_border holds distances against dense sampling."""

from __future__ import annotations

from typing import Any

import pytest

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.limits import Area, Fix, Whereabouts, Zone


def square(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def zone(geometry: dict[str, Any], accuracy_m: float = 0.0) -> Zone:
    claims = {"name": "z", "geometry": geometry, "source": "test", "accuracy_m": accuracy_m, "pov": "none"}
    return Zone.parse(claims)


def polygons(*rings: list[list[list[float]]]) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": list(rings)}


def where(fix: Fix, allow: dict[str, Any], deny: dict[str, Any] | None = None, accuracy_m: float = 0.0) -> Whereabouts:
    zones = {"allow": zone(allow, accuracy_m)} | ({"deny": zone(deny)} if deny else {})
    area = Area(("allow",), ("deny",) if deny else (), 60, 1_000_000.0)
    return area.compile(zones).where(fix)


FIJI = polygons([square(177, -19, 180, -16)], [square(-180, -19, -178, -16)])
ARCTIC = polygons([square(-180, 80, 180, 90)])
CIRCLE = {"circle": {"center": [0, 0], "radius_m": 200}}
RING = polygons([square(0, 0, 10, 10), square(4, 4, 6, 6)])


@pytest.mark.parametrize(
    ("name", "fix", "geometry", "expected"),
    [
        ("on the antimeridian inside a zone that was cut there", Fix(-17, 180, 100), FIJI, Whereabouts.IN),
        ("just east of the cut", Fix(-17, -179.9999, 100), FIJI, Whereabouts.IN),
        ("the other spelling of the antimeridian", Fix(-17, -180, 100), FIJI, Whereabouts.IN),
        ("near the eastern border", Fix(-17, -178.0005, 100), FIJI, Whereabouts.UNCERTAIN),
        ("at the pole", Fix(90, 0, 100), ARCTIC, Whereabouts.IN),
        ("across the pole from the named meridian", Fix(89.9, 123, 100), ARCTIC, Whereabouts.IN),
        ("at the southern edge, high latitude", Fix(80.0005, 50, 100), ARCTIC, Whereabouts.UNCERTAIN),
        ("in the hole", Fix(5, 5, 100), RING, Whereabouts.OUT),
        ("at the border of the hole", Fix(5, 4.0005, 100), RING, Whereabouts.UNCERTAIN),
        ("between hole and edge", Fix(2, 2, 100), RING, Whereabouts.IN),
        ("in a circle", Fix(0, 0, 100), CIRCLE, Whereabouts.IN),
        ("at a circle's edge", Fix(0, 0.0018, 100), CIRCLE, Whereabouts.UNCERTAIN),
    ],
)
def test_awkward_places(name: str, fix: Fix, geometry: dict[str, Any], expected: Whereabouts) -> None:
    assert where(fix, geometry) is expected, name


def test_a_denied_zone_wins_and_its_edge_is_uncertain() -> None:
    allow, deny = polygons([square(0, 0, 10, 10)]), polygons([square(4, 4, 6, 6)])
    assert where(Fix(5, 5, 10), allow, deny) is Whereabouts.OUT
    assert where(Fix(5, 3.99995, 10), allow, deny) is Whereabouts.UNCERTAIN
    assert where(Fix(2, 2, 10), allow, deny) is Whereabouts.IN


def test_the_accuracy_of_the_border_adds_to_the_fix() -> None:
    allow = polygons([square(0, 0, 10, 10)])
    assert where(Fix(0.009, 5, 10), allow) is Whereabouts.IN
    assert where(Fix(0.009, 5, 10), allow, accuracy_m=1000) is Whereabouts.UNCERTAIN


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [0, 0]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [181, 0], [1, 1], [0, 0]]]},
        {"circle": {"center": [0, 0], "radius_m": 0}},
    ],
)
def test_a_geometry_that_is_none_is_refused(geometry: dict[str, Any]) -> None:
    with pytest.raises(MalformedDocument):
        zone(geometry)


def test_a_border_that_crosses_itself_is_refused_when_compiled() -> None:
    bow = zone({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]})
    with pytest.raises(MalformedDocument):
        Area(("z",), (), 60, 100.0).compile({"z": bow})
