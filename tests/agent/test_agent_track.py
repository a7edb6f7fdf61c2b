"""What an agent remembers of where it was: at a border, over a restart, and of a source that fell silent."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from math import cos, radians
from pathlib import Path

import pytest

from device_agent import Agent, Fix
from device_agent.location import Observation, kept
from device_agent.store import Store, facts
from device_agent.store.facts import Fact
from licensing_protocol.canonical import decode_object
from tests.agent.bench import Bench, denial
from tests.simulators.exporter import CAPABILITY, grant

AREA = {"allow": ["round"], "deny": [], "max_age": 60, "max_uncertainty_m": 1000}
CIRCLE = {"circle": {"center": [10.0, 48.0], "radius_m": 5000}}
ZONE = {"name": "Round", "geometry": CIRCLE, "source": "test", "accuracy_m": 0.0, "pov": "none"}
GNSS = Observation(48.0, 10.0, 5.0, source="gnss")
WIFI = Observation(48.0, 10.0, 40.0, source="wifi")


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """A device whose one capability is granted within five kilometres."""
    bench.server.zones = {"round": ZONE}
    bench.server.grants = {CAPABILITY: grant(limits={"area": AREA, "platform": {"max_speed_mps": 50.0}})}
    return bench


def east(metres: float, uncertainty_m: float = 10.0) -> Fix:
    return Fix(48.0, 10.0 + metres / (111_320 * cos(radians(48.0)) * 1.0018), uncertainty_m)


def keep_all_in_touch(bench: Bench, *agents: Agent) -> None:
    """Let an hour pass, and the exporter's documents not grow too old."""
    bench.clock.pass_time(60)
    for agent in agents:
        agent.sync()


@pytest.mark.parametrize("seed", range(5))
def test_at_a_border_a_receiver_that_jitters_does_not_change_the_answer_to_and_fro(bench: Bench, seed: int) -> None:
    agent, chance = bench.enrolled(), random.Random(seed)
    answers = []
    for _ in range(50):
        bench.clock.pass_time(1)
        agent.locate(east(4990 + chance.uniform(-9.9, 9.9)))
        answers.append(denial(agent))
    assert answers == sorted(answers, key=lambda code: code is not None)
    bench.clock.pass_time(10)
    agent.locate(east(4800))
    assert denial(agent) is None


def test_what_a_border_was_answered_ends_with_max_age_and_with_the_entitlement(bench: Bench) -> None:
    agent = bench.enrolled()
    for elapsed in range(0, 61, 20):
        agent.locate(east(5020 if elapsed == 0 else 4980))
        assert denial(agent) == ("area.outside" if elapsed == 0 else "area.uncertain")
        bench.clock.pass_time(20)
    agent.locate(east(4980))
    assert denial(agent) is None

    agent.locate(east(5020))
    assert denial(agent) == "area.outside"
    bench.clock.pass_time(2)
    bench.server.grants = {CAPABILITY: grant(limits={"area": AREA | {"max_age": 50}})}
    agent.sync()
    agent.locate(east(4980))
    assert denial(agent) is None


def test_an_answer_that_was_held_back_is_given_when_what_was_before_ends(bench: Bench) -> None:
    agent = bench.enrolled()
    agent.locate(east(5020))
    assert denial(agent) == "area.outside"
    bench.clock.pass_time(30)
    agent.locate(east(4980))
    assert denial(agent) == "area.uncertain"
    bench.clock.pass_time(31)
    assert denial(agent) is None


def test_a_jump_is_not_hidden_by_beginning_anew(bench: Bench) -> None:
    bench.enrolled().locate(replace(GNSS, latitude=49.0))
    bench.clock.pass_time(30)
    again = bench.open()
    again.locate(GNSS)
    assert denial(again) == "area.no_position"
    again.sync()
    (event,) = bench.server.events("position.implausible")
    assert event["problem"] == "implied_speed"
    # 111 kilometres at 50 metres a second.
    bench.clock.pass_time(2200)
    again.locate(GNSS)
    assert denial(again) is None


def test_of_another_start_nothing_is_known_and_nothing_is_kept(bench: Bench) -> None:
    first = bench.enrolled()
    first.locate(replace(GNSS, latitude=49.0))
    first.close()
    bench.clock.reboot(30)
    again = bench.open()
    again.sync()
    again.locate(GNSS)
    assert denial(again) is None
    again.close()
    (place,) = places(bench.folder / "agent").values()
    assert place["latitude"] == GNSS.latitude


def places(folder: Path) -> dict[str, dict[str, float]]:
    """Return what the store holds of positions."""
    store = Store(folder)
    with store.read() as connection:
        held = facts.read(connection, Fact.SIGHTINGS)
    store.close()
    assert held is not None
    sources: dict[str, dict[str, float]] = decode_object(held.encode())["sources"]
    return sources


def test_one_place_for_each_source_is_kept_at_most_a_minute_old(bench: Bench) -> None:
    agent = bench.enrolled()
    for second in range(121):
        agent.locate(replace(GNSS, longitude=10.0 + second / 1e5))
        agent.locate(replace(WIFI, longitude=10.0 + second / 1e5))
        bench.clock.pass_time(1)
    kept_places = places(bench.folder / "agent")
    assert set(kept_places) == {"product gnss", "product wifi"}
    assert kept_places["product gnss"]["longitude"] == pytest.approx(10.0012, abs=1e-6)


def test_a_position_in_other_numbers_than_floats_is_kept_as_well(bench: Bench) -> None:
    agent = bench.enrolled()
    agent.locate(Fix(Fraction(48), 10, True))  # type: ignore[arg-type]  # a product may be untyped
    assert places(bench.folder / "agent") == {
        "product ": {"latitude": 48.0, "longitude": 10.0, "uncertainty_m": 1.0, "gnss_time": None, "boottime": 100.0}
    }
    assert denial(agent) is None


def test_what_is_damaged_is_replaced(bench: Bench) -> None:
    bench.enrolled().close()
    store = Store(bench.folder / "agent")
    with store.write() as connection:
        facts.write(connection, Fact.SIGHTINGS, '{"start":"boot-1/1","sources":{"product gnss":{"latitude":91}}}')
        assert kept.read(connection, "boot-1/1") == {}
        facts.write(connection, Fact.SIGHTINGS, "[")
    store.close()
    agent = bench.open()
    agent.locate(GNSS)
    assert denial(agent) is None
    assert set(places(bench.folder / "agent")) == {"product gnss"}


def test_a_source_that_falls_silent_is_reported_and_after_an_hour_missed(bench: Bench) -> None:
    agent = bench.enrolled()
    agent.locate(GNSS)
    for minute in range(61):
        agent.locate(WIFI)
        assert denial(agent) is None
        assert agent.status().silent_sources == (("product gnss",) if minute > 10 else ())
        keep_all_in_touch(bench, agent)
    assert bench.server.events("position.unconfirmed") == [{"sources": 2, "silent": 1}]
    agent.locate(WIFI)
    bench.clock.pass_time(30)
    agent.locate(WIFI)
    bench.clock.pass_time(31)
    assert denial(agent) == "area.no_position"

    agent.locate(GNSS)
    assert denial(agent) is None
    assert agent.status().silent_sources == ()
    for _ in range(12):
        keep_all_in_touch(bench, agent)
        agent.locate(WIFI)
    agent.sync()
    assert len(bench.server.events("position.unconfirmed")) == 2


def test_a_source_that_falls_silent_is_missed_by_a_process_that_began_later(bench: Bench) -> None:
    bench.enrolled().locate(GNSS)
    bench.clock.pass_time(700)
    again = bench.open()
    assert again.status().silent_sources == ("product gnss",)
    again.locate(WIFI)
    again.sync()
    assert bench.server.events("position.unconfirmed") == [{"sources": 2, "silent": 1}]


def test_a_source_that_speaks_to_another_process_is_not_silent(bench: Bench) -> None:
    one, other = bench.enrolled(), bench.open()
    for _ in range(75):
        one.locate(GNSS)
        other.locate(WIFI)
        assert denial(one) is None
        assert denial(other) is None
        keep_all_in_touch(bench, one, other)
    assert other.status().silent_sources == ()
    assert bench.server.events("position.unconfirmed") == []
