"""Positions: what counts as one, and how fast the device must have moved between two."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st

from device_agent.errors import AgentError, MalformedFix
from device_agent.location import CallableSource, Observation, Sighting, implied_speed, sound
from licensing_protocol.limits import Fix

PARIS = Fix(48.8566, 2.3522, 10.0)
LYON = Fix(45.7640, 4.8357, 10.0)

fixes = st.builds(Fix, st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 1000))


@given(fixes, fixes, st.floats(0, 1e6))
def test_no_honest_traveller_is_ever_called_too_fast(one: Fix, other: Fix, elapsed: float) -> None:
    travelled = Geodesic.WGS84.Inverse(one.latitude, one.longitude, other.latitude, other.longitude)["s12"]
    speed = implied_speed(Sighting(one, 100.0), Sighting(other, 100.0 + elapsed))
    assert speed <= travelled / max(elapsed, 1.0) + 1e-6


@given(fixes, fixes)
def test_speed_is_the_same_both_ways(one: Fix, other: Fix) -> None:
    there = implied_speed(Sighting(one, 0.0), Sighting(other, 60.0))
    back = implied_speed(Sighting(other, 0.0), Sighting(one, 60.0))
    assert there == pytest.approx(back)


def test_a_jump_across_france_in_a_minute_shows() -> None:
    assert 6000 < implied_speed(Sighting(PARIS, 0.0), Sighting(LYON, 60.0)) < 6500


def test_receiver_noise_within_the_stated_uncertainty_is_no_movement() -> None:
    nearby = Fix(PARIS.latitude + 0.0001, PARIS.longitude, 10.0)
    assert implied_speed(Sighting(PARIS, 0.0), Sighting(nearby, 0.0)) == 0.0


def test_a_clock_that_stands_still_divides_by_nothing() -> None:
    assert implied_speed(Sighting(PARIS, 5.0), Sighting(LYON, 5.0)) < inf


@pytest.mark.parametrize(
    "fix",
    [Fix(nan, 0, 1), Fix(0, nan, 1), Fix(0, 0, nan), Fix(90.1, 0, 1), Fix(0, -180.1, 1), Fix(0, 0, -1), Fix(0, 0, inf)],
)
def test_what_is_no_position_is_refused_with_a_code(fix: Fix) -> None:
    with pytest.raises(MalformedFix) as refused:
        sound(fix)
    assert refused.value.code == "fix.malformed"
    assert isinstance(refused.value, ValueError)
    assert isinstance(refused.value, AgentError)


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        "48.9,2.3",
        (48.9, 2.3),
        Fix("north", 0, 1),  # type: ignore[arg-type]  # a product may be untyped
        Fix(None, 0, 1),  # type: ignore[arg-type]  # a product may be untyped
        Fix(Decimal("48.9"), 2.3, 1),  # type: ignore[arg-type]  # a product may be untyped
        Fix(10**400, 0, 1),
        Observation(48.9, 2.3, 1, speed_mps=nan),
        Observation(48.9, 2.3, 1, speed_mps=-1),
        Observation(48.9, 2.3, 1, course_deg=360.1),
        Observation(48.9, 2.3, 1, gnss_time=inf),
        Observation(48.9, 2.3, 1, gnss_time=Decimal(5)),  # type: ignore[arg-type]  # a product may be untyped
        Observation(48.9, 2.3, 1, source="\ud800"),
        Observation(48.9, 2.3, 1, source="x" * 101),
        Observation(48.9, 2.3, 1, source=None),  # type: ignore[arg-type]  # a product may be untyped
    ],
)
def test_what_is_no_fix_at_all_is_refused_the_same_way(nothing: Fix) -> None:
    with pytest.raises(MalformedFix):
        sound(nothing)


@pytest.mark.parametrize(
    "fix",
    [
        Fix(Fraction(195, 4), 2, True),  # type: ignore[arg-type]  # a product may be untyped
        Observation(48.75, 2, 1.0, gnss_time=Fraction(5)),  # type: ignore[arg-type]  # a product may be untyped
    ],
)
def test_other_numbers_become_floats(fix: Fix) -> None:
    taken = sound(fix)
    assert taken == fix
    assert type(taken) is type(fix)
    assert {type(value) for value in asdict(taken)} <= {float, str, type(None)}


def test_a_source_gives_its_position() -> None:
    assert CallableSource(lambda: PARIS).poll() == PARIS


@pytest.mark.parametrize("function", [lambda: None, lambda: Fix(nan, 0, 1), lambda: 1 / 0, lambda: "here"])
def test_a_source_that_fails_is_a_source_without_a_position(function: object) -> None:
    assert CallableSource(function).poll() is None  # type: ignore[arg-type]  # a product may be untyped
