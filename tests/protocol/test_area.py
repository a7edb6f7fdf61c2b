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
# Ends at the antimeridian; and lies on both sides of it, farther north on the eastern one.
EDGE = polygons([square(170, -10, 180, 10)])
STEPPED = polygons([square(170, -10, 180, 10)], [square(-180, -10, -170, 5)])
NOTCH: list[list[float]] = [
    [180, -10],
    [180, -1],
    [179, -1],
    [179, 1],
    [180, 1],
    [180, 10],
    [170, 10],
    [170, -10],
    [180, -10],
]
WITH_HOLE = polygons([NOTCH], [[[-x, y] for x, y in reversed(NOTCH)]])
WITHOUT_POLE = polygons([square(-180, 80, 180, 89)])
NARROW = polygons([square(10, 88, 11, 89.9)])
EARTH = polygons([square(-180, -90, 180, 90)])
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
        ("just beyond a zone that ends at the antimeridian", Fix(0, -179.9995, 100), EDGE, Whereabouts.UNCERTAIN),
        ("just within it", Fix(0, 179.9995, 100), EDGE, Whereabouts.UNCERTAIN),
        ("on its edge", Fix(0, 180, 0), EDGE, Whereabouts.UNCERTAIN),
        ("farther beyond it", Fix(0, -179.998, 100), EDGE, Whereabouts.OUT),
        ("where both sides are of the zone", Fix(0, 179.9995, 100), STEPPED, Whereabouts.IN),
        ("where only one side is", Fix(7, -179.9995, 100), STEPPED, Whereabouts.UNCERTAIN),
        ("and within that one", Fix(7, 179.9995, 100), STEPPED, Whereabouts.UNCERTAIN),
        ("in a hole across the antimeridian", Fix(0, 179.9995, 100), WITH_HOLE, Whereabouts.OUT),
        ("on the line in the hole", Fix(0, -180, 100), WITH_HOLE, Whereabouts.OUT),
        ("on the line beside the hole", Fix(1.0005, 180, 100), WITH_HOLE, Whereabouts.UNCERTAIN),
        ("at a pole that is left out", Fix(90, 77, 100), WITHOUT_POLE, Whereabouts.OUT),
        ("at its parallel", Fix(89.0005, -33, 100), WITHOUT_POLE, Whereabouts.UNCERTAIN),
        ("a degree of longitude is short there", Fix(89.5, 10.01, 5), NARROW, Whereabouts.IN),
        ("and shorter", Fix(89.85, 10.01, 5), NARROW, Whereabouts.UNCERTAIN),
        ("across the pole", Fix(89.9, -169.5, 100), NARROW, Whereabouts.OUT),
        ("anywhere on Earth", Fix(-90, 180, 1000), EARTH, Whereabouts.IN),
        ("on its seam", Fix(12, -180, 1000), EARTH, Whereabouts.IN),
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
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, float("nan")], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, -90.5], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0, 5], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, "0"], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, True], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": []},
        {"type": "MultiPolygon", "coordinates": [[]]},
        {"circle": {"center": [0, 0], "radius_m": 0}},
        {"circle": {"center": [0, 0], "radius_m": float("inf")}},
        {"circle": {"center": [0, 91], "radius_m": 10}},
    ],
)
def test_a_geometry_that_is_none_is_refused(geometry: dict[str, Any]) -> None:
    with pytest.raises(MalformedDocument):
        zone(geometry)


@pytest.mark.parametrize(
    ("name", "geometry"),
    [
        ("crosses itself", {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}),
        ("has no area", {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]}),
        ("is one point", {"type": "Polygon", "coordinates": [[[1, 1], [1, 1], [1, 1], [1, 1]]]}),
        ("has a hole outside", {"type": "Polygon", "coordinates": [square(0, 0, 1, 1), square(2, 2, 3, 3)]}),
        ("has a hole over its edge", {"type": "Polygon", "coordinates": [square(0, 0, 2, 2), square(1, 1, 3, 3)]}),
        ("has parts that overlap", polygons([square(0, 0, 2, 2)], [square(1, 1, 3, 3)])),
        ("has a part within a part", polygons([square(0, 0, 9, 9)], [square(1, 1, 3, 3)])),
        (
            "goes one way and back",
            {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [2, 5], [2, 0], [0, 0]]]},
        ),
    ],
)
def test_what_is_not_a_border_is_refused_when_compiled(name: str, geometry: dict[str, Any]) -> None:
    with pytest.raises(MalformedDocument) as refused:
        Area(("z",), (), 60, 100.0).compile({"z": zone(geometry)})
    assert refused.value.code == "zone.geometry", name
