"""Borders of any shape against dense sampling and a count of crossings, made without the code under test."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.limits import Area, Fix, Whereabouts, Zone
from licensing_protocol.limits.border import CircleBorder, PolygonBorder

Ring = list[list[float]]
SAMPLES = 4000
STARS = st.lists(st.tuples(st.floats(0.1, 1), st.integers(1, 9)), min_size=3, max_size=8)


def star(longitude: float, latitude: float, size: float, points: list[tuple[float, int]]) -> Ring:
    """Return a ring around a centre: each point's part of the circle is cut into so many short edges."""
    ring = []
    for number, (radius, cuts) in enumerate(points):
        following = points[(number + 1) % len(points)][0]
        for cut in range(cuts):
            angle = 2 * math.pi * (number + cut / cuts) / len(points)
            length = size * (radius + (following - radius) * cut / cuts)
            ring.append([longitude + length * math.cos(angle), latitude + length / 2 * math.sin(angle)])
    return [*ring, ring[0]]


def nearest_sample(ring: Ring, fix: Fix) -> tuple[float, float]:
    """Return the distance to the nearest of many points of the ring, and how far apart these are at most."""
    along = np.linspace(0, 1, SAMPLES + 1)[:, None]
    best, spacing = math.inf, 0.0
    for start, end in pairwise(np.array(ring)):
        points = start + along * (end - start)
        # On a sphere first: good enough to say which sample is nearest, within one or two.
        lon, lat = np.radians(points[:, 0]), np.radians(points[:, 1])
        here_lon, here_lat = math.radians(fix.longitude), math.radians(fix.latitude)
        angles = (
            np.sin((lat - here_lat) / 2) ** 2 + math.cos(here_lat) * np.cos(lat) * np.sin((lon - here_lon) / 2) ** 2
        )
        best = min(best, metres(fix, points[angles.argmin()]))
        spacing = max(spacing, 111_700 * float(np.abs(end - start).sum()) / SAMPLES)
    return best, spacing


def metres(fix: Fix, position: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return float(Geodesic.WGS84.Inverse(fix.latitude, fix.longitude, position[1], position[0])["s12"])


def is_inside(ring: Ring, fix: Fix) -> bool:
    """Count the edges that a line to the east crosses."""
    crossings = 0
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > fix.latitude) != (y2 > fix.latitude):
            crossings += fix.longitude < x1 + (fix.latitude - y1) / (y2 - y1) * (x2 - x1)
    return crossings % 2 == 1


@given(st.floats(-100, 100), st.floats(-60, 60), st.floats(0.01, 50), STARS, st.floats(-1.2, 1.2), st.floats(-0.6, 0.6))
@settings(deadline=None, max_examples=60)
def test_a_border_is_where_dense_sampling_finds_it(
    longitude: float, latitude: float, size: float, points: list[tuple[float, int]], east: float, north: float
) -> None:
    ring = star(longitude, latitude, size, points)
    fix = Fix(latitude + north * size, longitude + east * size, 0.0)
    found = PolygonBorder({"type": "Polygon", "coordinates": [ring]}).signed_distance(fix)
    sampled, spacing = nearest_sample(ring, fix)
    # The sphere may pick a sample that is not quite the nearest: 0.6 per cent of the distance at most.
    assert sampled * 0.99 - spacing - 0.01 <= abs(found) <= sampled + 0.01
    if abs(found) > 1:
        assert (found < 0) == is_inside(ring, fix)


@given(STARS, st.floats(-1, 1), st.floats(-1, 1), st.floats(0.3, 0.7))
@settings(deadline=None, max_examples=25)
def test_what_lies_in_a_hole_is_outside_and_a_second_part_adds(
    points: list[tuple[float, int]], east: float, north: float, hole: float
) -> None:
    outer, inner = star(10, 50, 1, points), star(10, 50, hole, points)
    fix = Fix(50 + north, 10 + east, 0.0)
    with_hole = PolygonBorder({"type": "Polygon", "coordinates": [outer, inner]}).signed_distance(fix)
    parts = [[outer, inner], [star(10, 50, hole / 2, points)]]
    with_island = PolygonBorder({"type": "MultiPolygon", "coordinates": parts}).signed_distance(fix)
    sampled = min(nearest_sample(ring, fix)[0] for ring in (outer, inner))
    assert abs(with_hole) == pytest.approx(sampled, rel=0.01, abs=60)
    if min(abs(with_hole), abs(with_island)) > 1:
        assert (with_hole < 0) == (is_inside(outer, fix) and not is_inside(inner, fix))
        assert (with_island < 0) == (with_hole < 0 or is_inside(star(10, 50, hole / 2, points), fix))
    assert abs(with_island) <= abs(with_hole) + 0.01


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 360), st.floats(1, 1_000_000), st.floats(-5000, 5000))
@settings(deadline=None, max_examples=60)
def test_a_circle_is_as_far_as_its_radius(
    latitude: float, longitude: float, azimuth: float, radius: float, further: float
) -> None:
    away = Geodesic.WGS84.Direct(latitude, longitude, azimuth, max(0, radius + further))
    fix = Fix(away["lat2"], (away["lon2"] + 180) % 360 - 180, 0.0)
    found = CircleBorder({"center": [longitude, latitude], "radius_m": radius}).signed_distance(fix)
    assert found == pytest.approx(max(-radius, further), abs=0.001)


@given(st.floats(-60, 60), st.floats(0.01, 3), STARS, st.floats(-1.2, 1.2), st.floats(-0.6, 0.6))
@settings(deadline=None, max_examples=25)
def test_a_zone_may_lie_anywhere_along_the_equator(
    latitude: float, size: float, points: list[tuple[float, int]], east: float, north: float
) -> None:
    fixes = [Fix(latitude + north * size, longitude + east * size, 0.0) for longitude in (0, 90)]
    distances = [
        PolygonBorder({"type": "Polygon", "coordinates": [star(longitude, latitude, size, points)]}).signed_distance(
            fix
        )
        for longitude, fix in zip((0, 90), fixes, strict=True)
    ]
    assert distances[0] == pytest.approx(distances[1], abs=0.01)


@given(st.floats(0, 5000), st.floats(0, 5000), st.floats(-10_000, 10_000))
@settings(deadline=None, max_examples=60)
def test_radius_and_accuracy_decide_how_near_is_uncertain(radius: float, accuracy: float, distance: float) -> None:
    circle = {"circle": {"center": [8.0, 50.0], "radius_m": 20_000}}
    zone = Zone.parse({"name": "z", "geometry": circle, "source": "test", "accuracy_m": accuracy, "pov": "none"})
    there = Geodesic.WGS84.Direct(50.0, 8.0, 45.0, 20_000 + distance)
    answer = Area(("z",), (), 60, 1e6).compile({"z": zone}).where(Fix(there["lat2"], there["lon2"], radius))
    if abs(distance) < radius + accuracy - 0.01:
        assert answer is Whereabouts.UNCERTAIN
    elif abs(distance) > radius + accuracy + 0.01:
        assert answer is (Whereabouts.IN if distance < 0 else Whereabouts.OUT)
