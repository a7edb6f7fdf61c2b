"""The cells in front of a border never answer otherwise than measuring does."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry import mapping

from licensing_protocol.limits import Fix
from licensing_protocol.limits.border import CircleBorder, PolygonBorder
from tests.protocol.test_border import STARS, star

CENTRES = st.tuples(st.floats(-178, 178), st.floats(-88, 88))
Positions = list[list[float]]


def beside(ring: Positions, chance: random.Random) -> Fix:
    """Return a position at any distance from a metre to a few hundred kilometres beside some edge."""
    edge = chance.randrange(len(ring) - 1)
    along = chance.random()
    (x1, y1), (x2, y2) = ring[edge], ring[edge + 1]
    away, way = 10 ** chance.uniform(0, 5.5), chance.uniform(-180, 180)
    line = Geodesic.WGS84.Direct(y1 + along * (y2 - y1), x1 + along * (x2 - x1), way, away)
    return Fix(line["lat2"], (line["lon2"] + 180) % 360 - 180, 0.0)


def measured(distance: float, margin: float) -> int:
    """Return what is asked of the cells, from a distance that was measured."""
    return 0 if abs(distance) <= margin else int(math.copysign(1, distance))


@given(CENTRES, STARS, st.floats(-3, 0.2), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_cells_answer_as_measuring_does(
    centre: tuple[float, float], points: list[tuple[float, int]], magnitude: float, seed: int
) -> None:
    chance = random.Random(seed)
    size = min(10**magnitude, 179.9 - abs(centre[0]), 89.9 - abs(centre[1]))
    ring = star(*centre, size, points)
    border = PolygonBorder({"type": "Polygon", "coordinates": [ring]})
    for _ in range(6):
        fix = beside(ring, chance)
        distance = border.signed_distance(fix)
        for margin in (10 ** chance.uniform(0, 5), abs(distance) * 1.0001, abs(distance) * 0.9999):
            assert border.beyond(fix, margin) == measured(distance, margin)


@given(CENTRES, STARS, st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_the_distance_lies_within_the_bracket(
    centre: tuple[float, float], points: list[tuple[float, int]], seed: int
) -> None:
    chance = random.Random(seed)
    ring = star(*centre, min(0.5, 179.9 - abs(centre[0]), 89.9 - abs(centre[1])), points)
    border = PolygonBorder({"type": "Polygon", "coordinates": [ring]})
    assert border._cells is not None
    for _ in range(6):
        fix = beside(ring, chance)
        cell, distance = border._cells.at(fix.longitude, fix.latitude), border.signed_distance(fix)
        least, most = cell.bracket(fix.longitude, fix.latitude)
        assert least <= abs(distance) <= most
        assert cell.least <= abs(distance) <= cell.most
        assert cell.side in {0, math.copysign(1, distance)}


@given(st.floats(-82, 82), STARS, st.floats(-2, 0), st.floats(-1, 1), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_across_the_antimeridian_cells_answer_as_measuring_does(
    latitude: float, points: list[tuple[float, int]], magnitude: float, east: float, seed: int
) -> None:
    chance = random.Random(seed)
    size = 10**magnitude
    ring = star(180 + east * size, latitude, size, points)
    west, beyond = shapely.box(0, -90, 180, 90), shapely.box(180, -90, 360, 90)
    halves = [shapely.Polygon(ring) & west, translate(shapely.Polygon(ring) & beyond, -360)]
    border = PolygonBorder(mapping(shapely.MultiPolygon([part for half in halves for part in _polygons(half)])))
    assert border._cells is not None
    for _ in range(6):
        fix = beside(ring, chance)
        distance, cell = border.signed_distance(fix), border._cells.at(fix.longitude, fix.latitude)
        least, most = cell.bracket(fix.longitude, fix.latitude)
        assert least <= abs(distance) <= most
        assert cell.side in {0, math.copysign(1, distance)}
        for margin in (10 ** chance.uniform(0, 5), abs(distance) * 1.0001, abs(distance) * 0.9999):
            assert border.beyond(fix, margin) == measured(distance, margin)


def _polygons(found: Any) -> list[Any]:
    return [part for part in shapely.get_parts(found) if part.geom_type == "Polygon" and part.area > 0]


def test_in_a_region_on_the_antimeridian_one_look_up_is_enough() -> None:
    parts = [[[[x, 0], [x + 1, 0], [x + 1, 1], [x, 1], [x, 0]]] for x in (179, -180)]
    border = PolygonBorder({"type": "MultiPolygon", "coordinates": parts})
    assert border._cells is not None
    for longitude in (179.995, 180.0, -180.0, -179.995):
        cell = border._cells.at(longitude, 0.1)
        assert cell.side == -1
        assert 9_000 < cell.least < cell.most < 13_000
    assert border._cells.at(-178.5, 0.5).side == border._cells.at(178.5, 0.5).side == 1


@given(st.floats(-85, 85), st.floats(-180, 180), st.floats(1, 1e6), st.floats(0.9, 1.1), st.floats(0, 360))
def test_a_circle_answers_as_measuring_does(
    latitude: float, longitude: float, radius: float, share: float, way: float
) -> None:
    border = CircleBorder({"center": [longitude, latitude], "radius_m": radius})
    line = Geodesic.WGS84.Direct(latitude, longitude, way, radius * share)
    fix = Fix(line["lat2"], (line["lon2"] + 180) % 360 - 180, 0.0)
    distance = border.signed_distance(fix)
    for margin in (1.0, radius / 50, abs(distance) * 1.0001, abs(distance) * 0.9999):
        assert border.beyond(fix, margin) == measured(distance, margin)


@pytest.mark.parametrize(
    "fix", [Fix(0, 180, 0), Fix(0, -180, 0), Fix(90, 10, 0), Fix(-90, 10, 0), Fix(-79.9, 174.9, 0)]
)
def test_at_the_edges_of_the_map_cells_answer_as_measuring_does(fix: Fix) -> None:
    for west, south, east, north in ((170, -89, 180, 90), (-180, -90, 179, -80), (-180, -90, 180, 90)):
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        border = PolygonBorder({"type": "Polygon", "coordinates": [ring]})
        for margin in (0.0, 1000.0, 2e7):
            assert border.beyond(fix, margin) == measured(border.signed_distance(fix), margin)


def test_many_cells_cost_no_memory() -> None:
    ring = [[-10.0, -10.0], [10.0, -10.0], [10.0, 10.0], [-10.0, 10.0], [-10.0, -10.0]]
    border = PolygonBorder({"type": "Polygon", "coordinates": [ring]})
    assert border._cells is not None
    for step in range(5000):
        border._cells.at(-10 + step * 0.0101, 0.0)
    assert len(border._cells._cells) < 4096
    for step in range(4200):
        border._cells.at(-10 + step % 100 * 0.17, -40 + step // 100 * 0.17)
    assert len(border._cells._regions) < 4096
    assert border.beyond(Fix(0.0, 0.0, 0.0), 1.0) == -1


@pytest.mark.parametrize("kilometres", [1, 10, 17, 19, 25, 60])
def test_near_and_far_from_a_straight_border_cells_answer_as_measuring_does(kilometres: int) -> None:
    ring = [[-10.0, -10.0], [10.0, -10.0], [10.0, 10.0], [-10.0, 10.0], [-10.0, -10.0]]
    border = PolygonBorder({"type": "Polygon", "coordinates": [ring]})
    fix = Fix(0.0, 10.0 + kilometres / 111.32, 0.0)
    distance = border.signed_distance(fix)
    assert distance == pytest.approx(kilometres * 1000, rel=0.01)
    for margin in (1.0, distance * 0.9999, distance * 1.0001, 100_000.0):
        assert border.beyond(fix, margin) == measured(distance, margin)
