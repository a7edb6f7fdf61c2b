"""Positions that cannot be true: no honest drive is ever refused, and each way of forging one is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import cos, pi, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent.location import Implausible, Observation, Positions, Problem, Sighting
from device_agent.location.agreement import FRESH_S
from device_agent.location.positions import ALONE_S, SILENT_S
from device_agent.location.repetition import REMEMBERED, SAME_IN_A_ROW
from licensing_protocol.journal import Event
from licensing_protocol.limits import Fix
from licensing_protocol.time_bounds import TimeBounds
from tests.tracks.drives import FASTEST_MPS, NOON, Moment, drive, drives, moved, receptions

START = Moment(0.0, 47.2, 8.5, 0.0, 0.0)


def problems(
    heard: Iterable[tuple[float, Fix]], *, bounds: TimeBounds | None = None, fastest: float = FASTEST_MPS
) -> list[Problem]:
    """Return what is wrong with the positions of one source."""
    positions = Positions()
    taken = (positions.take("only", fix, boottime, bounds, fastest) for boottime, fix in heard)
    return [each.problem for each in taken if isinstance(each, Implausible)]


def straight(speed_mps: float, seconds: int, *, north: bool = True) -> list[tuple[float, Observation]]:
    """Return a drive north at a steady speed, one exact position each second."""
    heard = []
    for second in range(seconds):
        latitude, longitude = moved(START.latitude, START.longitude, second * speed_mps, 0)
        seen = Observation(latitude, longitude, 5.0, speed_mps, 0.0 if north else 180.0, NOON + second)
        heard.append((100.0 + second, seen))
    return heard


@given(st.data())
@settings(max_examples=50)
def test_no_honest_drive_is_ever_refused(data: st.DataObject) -> None:
    heard = data.draw(receptions(data.draw(drives())))
    lower = int(NOON) - data.draw(st.integers(0, 3600))
    upper = data.draw(st.none() | st.integers(int(NOON) + 60, int(NOON) + 7200))
    assert problems(heard, bounds=TimeBounds(lower, upper)) == []


@given(st.data())
@settings(max_examples=50)
def test_two_honest_receivers_never_contradict_each_other(data: st.DataObject) -> None:
    moments = data.draw(drives(15))
    one, other = data.draw(receptions(moments)), data.draw(receptions(moments))
    positions = Positions()
    for boottime, source, fix in sorted(
        [(at, "one", fix) for at, fix in one] + [(at, "other", fix) for at, fix in other], key=lambda heard: heard[0]
    ):
        assert not isinstance(positions.take(source, fix, boottime, None, FASTEST_MPS), Implausible)


@given(st.floats(3000, 1e6), st.floats(0, 6.28), st.integers(1, 20))
def test_a_jump_is_refused(way: float, turn: float, seconds: int) -> None:
    honest = straight(20.0, 10)
    latitude, longitude = moved(START.latitude, START.longitude, 180 + way * cos(turn), way)
    jumped = replace(honest[-1][1], latitude=latitude, longitude=longitude, gnss_time=NOON + 9 + seconds)
    assert problems([*honest, (109.0 + seconds, jumped)]) == [Problem.IMPLIED_SPEED]


@given(st.floats(30, FASTEST_MPS))
def test_a_receiver_that_reports_standing_still_while_it_moves_is_refused(speed: float) -> None:
    forged = [(at, replace(seen, speed_mps=0.0)) for at, seen in straight(speed, 5)]
    assert set(problems(forged)) == {Problem.REPORTED_SPEED}


@given(st.floats(40, FASTEST_MPS))
def test_a_receiver_that_reports_speed_while_it_stands_is_refused(speed: float) -> None:
    standing = straight(0.0, 5)
    forged = [(at, replace(seen, latitude=seen.latitude + 1e-5 * at, speed_mps=speed)) for at, seen in standing]
    assert set(problems(forged)) == {Problem.REPORTED_SPEED}


@given(st.floats(20, FASTEST_MPS))
def test_a_course_that_leads_the_other_way_is_refused(speed: float) -> None:
    assert set(problems(straight(speed, 5, north=False))) == {Problem.REPORTED_COURSE}


def test_a_speed_that_the_platform_cannot_have_is_refused() -> None:
    assert problems(straight(50.0, 1), fastest=30.0) == [Problem.REPORTED_SPEED]


@given(st.floats(5, 15))
def test_a_receiver_frozen_while_it_reports_movement_is_refused(speed: float) -> None:
    frozen = [(at, replace(START_FIX, speed_mps=speed, gnss_time=NOON + at)) for at in map(float, range(100))]
    assert Problem.FROZEN in problems(frozen)


def test_a_device_that_stands_still_may_give_one_position_for_ever() -> None:
    on_a_wall = [(float(at), replace(START_FIX, speed_mps=0.0, gnss_time=NOON + at)) for at in range(REMEMBERED)]
    assert problems(on_a_wall) == []
    assert problems((float(at), Fix(47.2, 8.5, 10.0)) for at in range(REMEMBERED)) == []


START_FIX = Observation(START.latitude + 0.00000731, START.longitude + 0.00000377, 5.0)


def lap(backwards: bool) -> list[Observation]:
    """Return positions around a circle of 200 m, ten metres apart."""
    turns = [step / 63 * 2 * pi for step in range(63)]
    places = [moved(47.2000731, 8.5000377, 100 * cos(turn), 100 * sin(turn)) for turn in turns]
    return [Observation(*place, 5.0) for place in (places[::-1] if backwards else places)]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_track_played_again_with_new_stamps_is_refused(backwards: bool, every: int) -> None:
    once, again = lap(backwards=False), lap(backwards)[::every]
    stamped = [(float(at), replace(seen, gnss_time=NOON + at)) for at, seen in enumerate(once + again)]
    assert problems(stamped[: len(once)]) == []
    found = problems(stamped)
    assert set(found) == {Problem.REPLAYED}
    assert len(found) >= len(again) - SAME_IN_A_ROW


def test_the_same_road_every_day_in_coarse_coordinates_is_no_replay() -> None:
    road = [Fix(round(47.2 + step / 1000, 4), 8.5, 20.0) for step in range(50)]
    commuting = [(60.0 * number, fix) for number, fix in enumerate(road + road[::-1] + road + road[::-1])]
    assert problems(commuting) == []


def test_a_receiver_that_hops_between_two_places_while_it_stands_is_no_replay() -> None:
    places = [replace(START_FIX, latitude=START_FIX.latitude + hop * 1e-6) for hop in (0, 1, 2, 1)]
    assert problems((float(at), replace(places[at % 4], gnss_time=NOON + at)) for at in range(400)) == []


@given(st.integers(30, 10**7))
def test_a_recording_is_refused_by_its_stamps(age: int) -> None:
    recorded = [(at, replace(seen, gnss_time=(seen.gnss_time or 0) - age)) for at, seen in straight(10.0, 5)]
    assert set(problems(recorded, bounds=TimeBounds(int(NOON)))) == {Problem.GNSS_TIME}


@given(st.integers(30, 10**7))
def test_satellites_ahead_of_a_proven_time_are_refused(ahead: int) -> None:
    forged = [(at, replace(seen, gnss_time=(seen.gnss_time or 0) + ahead)) for at, seen in straight(10.0, 5)]
    assert set(problems(forged, bounds=TimeBounds(int(NOON) - 60, int(NOON) + 5))) == {Problem.GNSS_TIME}
    assert problems(forged, bounds=TimeBounds(int(NOON) - 60)) == []


def test_stamps_that_go_back_or_leap_are_refused_until_they_are_right_again() -> None:
    honest = straight(10.0, 60)
    back = [(160.0 + second, seen) for second, (_, seen) in enumerate(honest[:30])]
    assert set(problems(honest + back)) == {Problem.REPLAYED}
    leaping = [(at, replace(seen, gnss_time=(seen.gnss_time or 0) + 100)) for at, seen in honest[30:40]]
    assert problems(honest[:30] + leaping + honest[40:]) == [Problem.GNSS_TIME] * 10


def test_a_source_wrong_about_the_time_once_is_heard_again_later() -> None:
    (at, seen), *_ = straight(0.0, 1)
    wrong = (at, replace(seen, gnss_time=NOON + 10**9))
    soon, later = (at + 60, replace(seen, gnss_time=NOON + 60)), (at + 700, replace(seen, gnss_time=NOON + 700))
    assert problems([wrong, soon]) == [Problem.REPLAYED]
    assert problems([wrong, later]) == []


def test_a_position_said_twice_is_no_news_and_grows_old() -> None:
    positions = Positions()
    assert isinstance(positions.take("only", replace(START_FIX, gnss_time=NOON), 100.0), Sighting)
    assert positions.take("only", replace(START_FIX, gnss_time=NOON), 150.0) is None
    assert positions.take("only", replace(START_FIX, gnss_time=NOON - 3), 151.0) is None
    assert isinstance(positions.take("only", replace(START_FIX, gnss_time=NOON + 52), 152.0), Sighting)


def test_a_slow_drag_off_shows_only_against_a_second_source() -> None:
    dragged = straight(2.0, 300)
    assert problems(dragged) == []
    positions = Positions()
    refused = 0
    for boottime, seen in dragged:
        positions.take("wifi", replace(START_FIX, uncertainty_m=40.0), boottime, None, 10.0)
        taken = positions.take("gnss", seen, boottime, None, 10.0)
        refused += isinstance(taken, Implausible) and taken.problem is Problem.DISAGREEMENT
    # 100 m apart and 10 m of movement are allowed; after 55 s it is farther away.
    assert 240 <= refused <= 250


def test_neither_of_two_sources_that_contradict_each_other_is_used() -> None:
    positions = Positions()
    far = replace(START_FIX, latitude=48.2)
    assert isinstance(positions.take("one", START_FIX, 100.0), Sighting)
    for boottime in (101.0, 102.0, 103.0):
        assert isinstance(positions.take("other", far, boottime), Implausible)
        assert isinstance(positions.take("one", START_FIX, boottime), Implausible)
    # The other falls silent: what it said last contradicts only what cannot be reached from there.
    # 111 kilometres at the speed of sound.
    assert isinstance(positions.take("one", START_FIX, 103.0 + 320), Implausible)
    assert isinstance(positions.take("one", START_FIX, 103.0 + 330), Sighting)


def test_a_source_that_begins_to_speak_cannot_be_where_the_silent_one_could_not_have_gone() -> None:
    for metres, verdict in ((1000, Sighting), (3000, Implausible)):
        positions = Positions()
        assert isinstance(positions.take("gnss", START_FIX, 100.0, None, 20.0), Sighting)
        there = replace(START_FIX, latitude=START_FIX.latitude + metres / 111_200)
        assert isinstance(positions.take("wifi", there, 200.0, None, 20.0), verdict)


def test_the_others_are_followed_for_an_hour_without_a_source_that_fell_silent() -> None:
    positions = Positions()
    positions.take("gnss", START_FIX, 100.0)
    for boottime in (110.0, 110.0 + SILENT_S, 100.0 + ALONE_S):
        assert isinstance(positions.take("wifi", START_FIX, boottime), Sighting)
    assert positions.silent(100.0 + SILENT_S) == frozenset()
    assert positions.silent(100.5 + SILENT_S) == {"gnss"}
    assert positions.take("wifi", START_FIX, 101.0 + ALONE_S) is None
    assert isinstance(positions.take("gnss", START_FIX, 102.0 + ALONE_S), Sighting)
    assert isinstance(positions.take("wifi", START_FIX, 103.0 + ALONE_S), Sighting)
    assert positions.silent(103.0 + ALONE_S) == frozenset()


def test_of_sources_that_agree_the_closest_is_followed_while_it_speaks() -> None:
    positions = Positions()
    rough = Fix(START_FIX.latitude, START_FIX.longitude, 100.0)
    assert isinstance(positions.take("wifi", rough, 100.0), Sighting)
    assert isinstance(positions.take("gnss", START_FIX, 100.5), Sighting)
    assert positions.take("wifi", rough, 101.0) is None
    assert isinstance(positions.take("wifi", rough, 101.0 + FRESH_S), Sighting)


def test_many_names_of_sources_cost_no_memory() -> None:
    positions = Positions()
    for number in range(100):
        assert not isinstance(positions.take(f"source {number}", START_FIX, 100.0), Implausible)
    assert len(positions.sightings) == 16
    assert "source 99" in positions.sightings


@pytest.mark.parametrize("problem", list(Problem))
def test_what_is_journalled_is_whole_numbers_and_no_place(problem: Problem) -> None:
    data = Implausible(problem, {"apart_m": 5000}).to_data()
    assert data == {"problem": str(problem), "apart_m": 5000}
    Event(1, "position.implausible", 0, None, "boot", data).to_bytes()


def test_across_the_antimeridian_and_near_the_poles_a_drive_is_a_drive() -> None:
    for latitude, longitude in ((0.0, 179.9999), (84.9, 0.0), (-89.9, 10.0)):
        moments = drive(latitude, longitude, [(1.0, 0.0, 5.0)] * 10 + [(1.0, 0.0, 0.0)] * 20)
        seen = [
            Observation(at.latitude, at.longitude, 2.0, at.speed_mps, at.course_deg, NOON + at.elapsed)
            for at in moments
        ]
        assert problems((at.elapsed, each) for at, each in zip(moments, seen, strict=True)) == []
