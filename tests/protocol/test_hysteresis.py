"""At a border: the answer becomes stricter at once, and milder only where that is clear; chance does not change it."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.decision import CompiledGrant
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.limits import Area, Fix, Footing, Standing, Zone
from licensing_protocol.limits.area import CompiledArea
from licensing_protocol.limits.border import CircleBorder
from licensing_protocol.limits.whereabouts import Bordered, Nearest
from licensing_protocol.time_bounds import TimeBounds
from tests.protocol.test_area import polygons, square, zone
from tests.protocol.test_border import STARS, star
from tests.protocol.test_cells import beside
from tests.protocol.test_decision import AREA, CONTACT, HERE, NOW, claims
from tests.protocol.test_decision_rules import FACE

MAX_AGE = 60
ANSWERS = st.none() | st.builds(Footing, st.sampled_from(Standing), st.just(0.0))
CENTRE = Fix(50.0, 8.0, 0.0)


def compiled(*, allow: dict[str, Zone], deny: dict[str, Zone] | None = None) -> CompiledArea:
    denied = deny or {}
    return Area(tuple(allow), tuple(denied), MAX_AGE, 1e6).compile({**allow, **denied})


def circle(radius_m: float, accuracy_m: float = 0.0) -> Zone:
    return zone({"circle": {"center": [CENTRE.longitude, CENTRE.latitude], "radius_m": radius_m}}, accuracy_m)


def moved(fix: Fix, metres: float, azimuth: float, uncertainty_m: float) -> Fix:
    line = Geodesic.WGS84.Direct(fix.latitude, fix.longitude, azimuth, metres)
    return Fix(line["lat2"], (line["lon2"] + 180) % 360 - 180, uncertainty_m)


def east(metres: float, uncertainty_m: float = 10.0) -> Fix:
    return moved(CENTRE, metres, 90, uncertainty_m)


def follow(area: CompiledArea, fixes: list[Fix], before: Footing | None = None) -> list[Standing]:
    """Return what is answered when each position is held against the answer before."""
    answers = []
    for fix in fixes:
        verdict, before = area.settle(fix, 0.0, before)
        answers.append(verdict.standing)
    return answers


def jittered(around: Fix, radius_m: float, chance: random.Random, count: int) -> list[Fix]:
    """Return positions of one place as a receiver gives them, each within its radius."""
    return [
        moved(around, radius_m * 0.98 * math.sqrt(chance.random()), chance.uniform(-180, 180), radius_m)
        for _ in range(count)
    ]


@given(st.floats(1, 500), st.floats(0, 500), st.floats(-3, 3), ANSWERS, st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_positions_of_one_place_never_change_the_answer_to_and_fro(
    radius: float, accuracy: float, margins: float, before: Footing | None, seed: int
) -> None:
    place = east(5000 + margins * (radius + accuracy))
    fixes = jittered(place, radius, random.Random(seed), 40)
    answers = follow(compiled(allow={"z": circle(5000, accuracy)}), fixes, before)
    changes = [(later > sooner) - (later < sooner) for sooner, later in pairwise(answers) if later != sooner]
    assert len(set(changes)) <= 1
    if before is None:
        assert changes in ([], [1])


@given(st.floats(-0.9, 1), STARS, st.floats(0, 200), ANSWERS, st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_between_allowed_and_denied_zones_neither(
    magnitude: float, points: list[tuple[float, int]], accuracy: float, before: Footing | None, seed: int
) -> None:
    chance = random.Random(seed)
    ring = star(8, 50, 0.5, points)
    allow = {"one": zone(polygons([ring]), accuracy), "two": circle(30_000, accuracy)}
    deny = {"hole": zone(polygons([square(8.2, 50, 8.4, 50.3)]))}
    around = beside(ring, chance)
    answers = follow(compiled(allow=allow, deny=deny), jittered(around, 10 ** (magnitude + 1.5), chance, 25), before)
    assert answers == sorted(answers) or answers == sorted(answers, reverse=True)


@given(STARS, st.floats(0, 1000), st.floats(0, 3), ANSWERS, st.floats(0, 2 * MAX_AGE), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_nothing_that_was_answered_before_makes_an_answer_milder(
    points: list[tuple[float, int]],
    accuracy: float,
    magnitude: float,
    before: Footing | None,
    age: float,
    seed: int,
) -> None:
    chance = random.Random(seed)
    ring = star(8, 50, 0.2, points)
    area = compiled(allow={"a": zone(polygons([ring]), accuracy)}, deny={"d": circle(3000)})
    beside_it = beside(ring, chance)
    fix = Fix(beside_it.latitude, beside_it.longitude, 10**magnitude)
    aged = None if before is None else Footing(before.standing, age)
    plain, answered = area.evaluate(fix, 1.0).standing, area.evaluate(fix, 1.0, aged).standing
    assert answered >= plain
    assert answered == plain or (before is not None and answered <= before.standing)
    assert answered == plain or age <= MAX_AGE


@pytest.mark.parametrize(
    ("metres", "answers"),
    [
        ([4000, 6000, 4000], [0, 2, 0]),
        ([4969, 4991, 4989, 4971, 4969], [0, 1, 1, 1, 0]),
        ([5011, 5009, 4991, 4989], [2, 2, 2, 1]),
        ([5011, 4989, 5009, 5011, 5009], [2, 1, 1, 2, 2]),
        ([5011, 4969], [2, 0]),
    ],
)
def test_who_walks_well_inside_is_granted_and_who_walks_out_is_denied_at_once(
    metres: list[float], answers: list[int]
) -> None:
    assert follow(compiled(allow={"z": circle(5000)}), [east(each) for each in metres]) == answers


@pytest.mark.parametrize(
    ("metres", "answers"),
    [
        ([4989, 5011, 5029, 5031], [2, 1, 1, 0]),
        ([4989, 5009, 5011], [2, 2, 1]),
        ([5031, 5009, 4991, 4989], [0, 1, 1, 2]),
    ],
)
def test_a_denied_zone_is_left_only_when_that_is_clear(metres: list[float], answers: list[int]) -> None:
    area = compiled(allow={"a": circle(50_000)}, deny={"d": circle(5000)})
    assert follow(area, [east(each) for each in metres]) == answers


def test_in_a_zone_too_small_for_caution_the_answer_before_ends_with_max_age() -> None:
    area = compiled(allow={"z": circle(25)})
    assert area.evaluate(east(0), 0.0).standing is Standing.HOLDS
    verdict, before = area.settle(east(40), 0.0)
    assert verdict.standing is Standing.FAILS
    for age in (0.0, 30.0, 60.0):
        verdict, kept = area.settle(east(0), 0.0, Footing(Standing.FAILS, age))
        assert verdict.standing is Standing.UNKNOWN
        assert kept == Footing(Standing.UNKNOWN, age)
    assert area.settle(east(0), 0.0, Footing(Standing.FAILS, 60.1)) == (
        area.evaluate(east(0), 0.0),
        Footing(Standing.HOLDS, 0.0),
    )
    assert before == Footing(Standing.FAILS, 0.0)


def test_a_position_that_says_nothing_is_no_answer_to_hold_the_next_against() -> None:
    area = Area(("z",), (), MAX_AGE, 50.0).compile({"z": circle(5000)})
    assert area.settle(None, None, None)[1] is None
    assert area.settle(east(0), MAX_AGE + 1, None)[1] is None
    assert area.settle(east(0, 51.0), 0.0, None)[1] is None
    assert area.settle(east(0), 1.0, None)[1] == Footing(Standing.HOLDS, 1.0)


@given(st.integers(0, 2**32), st.floats(2, 5))
@settings(max_examples=30, deadline=None)
def test_the_nearest_zone_of_a_track_is_the_one_that_measuring_finds(seed: int, magnitude: float) -> None:
    chance = random.Random(seed)
    zones = []
    for number in range(5):
        middle = {"center": [chance.uniform(7, 9), chance.uniform(49, 51)], "radius_m": 1000}
        drawn = replace(zone({"circle": middle}), name=f"zone {number}")
        zones.append(Bordered(drawn, CircleBorder(middle), allowed=True))
    nearest, at = Nearest(zones), CENTRE
    for _ in range(25):
        at = moved(at, chance.uniform(0, 10**magnitude), chance.uniform(-180, 180), 1.0)
        measured = min(zones, key=lambda each: each.border.signed_distance(at))
        assert nearest.name(at) == measured.zone.name


def test_a_grant_without_limits_that_can_be_evaluated_remembers_nothing() -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    written = claims(area=AREA)
    written["zones"]["square"]["geometry"] = bow
    crossed, plain = (CompiledGrant(Entitlement.parse(each), FACE) for each in (written, claims()))
    assert crossed.unsupported == ("zone.geometry",)
    assert set(crossed.standing_parts(CONTACT, TimeBounds.exactly(NOW), HERE)) == {"status", "validity", "freshness"}
    assert crossed.footing(HERE) is None
    assert plain.footing(HERE) is None
