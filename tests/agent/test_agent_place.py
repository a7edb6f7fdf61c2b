"""Several receivers behind one agent: what they agree on counts, and what speaks against a position is reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from device_agent import Fix, Granted
from device_agent.location import Observation
from device_agent.location.gpsd import GpsdSource
from tests.agent.bench import Bench, denial
from tests.simulators.exporter import CAPABILITY, grant
from tests.simulators.receiver import ReceiverSimulator, eventually, receiver
from tests.tracks import forms

AREA = {"allow": ["round"], "deny": [], "max_age": 60, "max_uncertainty_m": 1000}
ZONE = {"geometry": {"circle": {"center": [10.0, 48.0], "radius_m": 5000}}, "source": "test", "accuracy_m": 10.0}
INSIDE = Observation(48.0, 10.0, 5.0, speed_mps=0.0)
ABROAD = replace(INSIDE, latitude=49.0)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """A device whose one capability is granted within five kilometres."""
    bench.server.zones = {"round": {"name": "Round", "pov": "none", **ZONE}}
    bench.server.grants = {CAPABILITY: grant(limits={"area": AREA, "platform": {"max_speed_mps": 50.0}})}
    return bench


@pytest.fixture
def simulators() -> Iterator[tuple[ReceiverSimulator, ReceiverSimulator]]:
    with receiver() as one, receiver() as other:
        yield one, other


def test_where_two_receivers_disagree_there_is_no_position(
    bench: Bench, simulators: tuple[ReceiverSimulator, ReceiverSimulator]
) -> None:
    sources = [GpsdSource(port=simulator.port) for simulator in simulators]
    agent = bench.enrolled(location=sources)
    for simulator in simulators:
        simulator.accept()

    def say(*seen: Observation) -> None:
        for simulator, fix in zip(simulators, seen, strict=True):
            simulator.say(forms.tpv(replace(fix, gnss_time=bench.clock.read().wall)))

    say(INSIDE, ABROAD)
    eventually(lambda: agent.sync().reached and bool(bench.server.events("position.implausible")))
    assert [event["problem"] for event in bench.server.events("position.implausible")] == ["disagreement"]
    assert denial(agent) == "area.no_position"
    # The one that was wrong may be right again when the device can have come back from there.
    bench.clock.pass_time(3000)
    say(INSIDE, INSIDE)
    eventually(lambda: isinstance(agent.decide(CAPABILITY), Granted))
    for source in sources:
        source.close()


def test_a_recorded_position_with_its_old_stamp_is_reported_and_not_used(bench: Bench) -> None:
    agent = bench.enrolled()
    agent.locate(replace(INSIDE, gnss_time=bench.clock.read().wall - 86_400))
    assert denial(agent) == "area.no_position"
    agent.sync()
    (event,) = bench.server.events("position.implausible")
    assert event["problem"] == "gnss_time"
    assert 86_000 < event["behind_s"] < 86_800


def test_each_kind_of_problem_is_reported_once_a_minute(bench: Bench) -> None:
    agent = bench.enrolled()
    now = bench.clock.read().wall
    agent.locate(INSIDE)
    for _ in range(5):
        bench.clock.pass_time(1)
        agent.locate(ABROAD)
        agent.locate(replace(INSIDE, gnss_time=now - 10_000))
    agent.sync()
    assert [event["problem"] for event in bench.server.events("position.implausible")] == ["implied_speed", "gnss_time"]
    bench.clock.pass_time(60)
    agent.locate(replace(INSIDE, gnss_time=now - 10_000))
    agent.sync()
    assert len(bench.server.events("position.implausible")) == 3


def test_a_position_said_again_and_again_grows_old(bench: Bench) -> None:
    agent = bench.enrolled()
    stuck = replace(INSIDE, gnss_time=bench.clock.read().wall)
    for _ in range(61):
        agent.locate(stuck)
        assert denial(agent) is None
        bench.clock.pass_time(1)
    assert denial(agent) == "area.no_position"
    assert not bench.server.events("position.implausible")


def test_one_product_may_pass_on_what_several_receivers_say(bench: Bench) -> None:
    agent = bench.enrolled()
    agent.locate(replace(INSIDE, source="gnss"))
    assert denial(agent) is None
    agent.locate(replace(ABROAD, source="wifi"))
    assert denial(agent) == "area.no_position"
    agent.sync()
    (event,) = bench.server.events("position.implausible")
    assert event["problem"] == "disagreement"


def test_nothing_that_is_reported_holds_a_coordinate(bench: Bench) -> None:
    agent = bench.enrolled()
    agent.locate(Fix(48.123456, 10.654321, 5.0))
    agent.locate(Fix(-12.345678, 77.654321, 5.0))
    agent.sync()
    (event,) = bench.server.events("position.implausible")
    assert {"implied_mps", "limit_mps", "problem"} <= event.keys()
    assert not {"latitude", "longitude"} & event.keys()
    assert "654321" not in str(event)
