"""Every kind of limit enforced by an agent that enrolled, and every reason why nothing is allowed."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from device_agent import CapabilityDenied, Denied, Fix, Granted
from licensing_protocol.status_list import Status
from tests.agent.bench import Bench, denial
from tests.simulators.exporter import CAPABILITY, ISSUED, grant

NOW = ISSUED + 1000
HOUR = 3600
SQUARE = [[[9.0, 47.0], [11.0, 47.0], [11.0, 49.0], [9.0, 49.0], [9.0, 47.0]]]
ZONES = {
    "square": {
        "name": "Square",
        "geometry": {"type": "Polygon", "coordinates": SQUARE},
        "source": "test",
        "accuracy_m": 10.0,
        "pov": "none",
    }
}
AREA = {"allow": ["square"], "deny": [], "max_age": 60, "max_uncertainty_m": 1000.0}
INSIDE, OUTSIDE = Fix(48.0, 10.0, 5.0), Fix(40.0, 10.0, 5.0)


def test_what_the_entitlement_grants_is_granted(bench: Bench) -> None:
    assert denial(bench.enrolled()) is None


def test_nothing_is_granted_before_enrolment(bench: Bench) -> None:
    assert denial(bench.open()) == "entitlement.absent"


def test_what_is_absent_is_stripped_and_what_is_unknown_is_called_so(bench: Bench) -> None:
    agent = bench.enrolled()
    assert denial(agent, "av.record") == "capability.stripped"
    assert denial(agent, "made.up") == "capability.unknown"


def test_a_period_ends_on_its_second(bench: Bench) -> None:
    agent = bench.granting(period={"nbf": NOW - 10, "exp": NOW + 10})
    assert denial(agent) is None
    bench.clock.pass_time(9)
    assert denial(agent) is None
    bench.clock.pass_time(1)
    assert denial(agent) == "period.over"


def test_a_period_that_has_not_begun_begins_by_itself(bench: Bench) -> None:
    agent = bench.granting(period={"nbf": NOW + 10, "exp": NOW + 20})
    assert denial(agent) == "period.not_yet"
    bench.clock.pass_time(10)
    assert denial(agent) is None


def test_a_wall_clock_that_runs_too_fast_ends_a_period_by_what_it_shows(bench: Bench) -> None:
    bench.granting(period={"nbf": NOW - 10, "exp": NOW + 130}).close()
    bench.clock.reboot(wall=NOW + 100.0)
    agent = bench.open()
    while bench.clock.read().wall < NOW + 130:
        assert isinstance(agent.decide(CAPABILITY), Granted)
        bench.clock.jump(0.04)
        bench.clock.pass_time(0.1)
    assert denial(agent) == "period.over"


def test_a_schedule_closes_and_opens(bench: Bench) -> None:
    # 2027-01-15, a Friday, at 08:16:40 UTC.
    window = {"days": ["FRI"], "from": "08:00", "to": "09:00"}
    agent = bench.granting(schedule={"tz": "UTC", "windows": [window], "except": []})
    assert denial(agent) is None
    bench.clock.pass_time(HOUR)
    assert denial(agent) == "schedule.closed"


def test_a_clock_set_back_behind_a_schedule_that_it_granted_is_not_believed(bench: Bench) -> None:
    window = {"days": ["FRI"], "from": "08:00", "to": "09:00"}
    agent = bench.granting(schedule={"tz": "UTC", "windows": [window], "except": []})
    bench.clock.reboot(wall=NOW + 2400.0)
    bench.truth = bench.clock.read().wall
    again = bench.open()
    # Without contact in this boot the wall clock alone says that it is still before nine.
    assert denial(again) is None
    bench.clock.reboot(wall=NOW + 1200.0)
    later = bench.open()
    assert denial(later) == "time.unknown"
    assert later.sync().reached
    assert [event["against"] for event in bench.server.events("clock.rolled_back")] == ["schedule"]
    agent.close()


def test_an_area_needs_a_position_that_is_inside_and_recent(bench: Bench) -> None:
    bench.server.zones = ZONES
    agent = bench.granting(area=AREA)
    assert denial(agent) == "area.no_position"
    agent.locate(INSIDE)
    assert denial(agent) is None
    bench.clock.pass_time(60)
    assert denial(agent) is None
    bench.clock.pass_time(0.5)
    assert denial(agent) == "area.no_position"
    agent.locate(OUTSIDE)
    assert denial(agent) == "area.outside"


def test_what_is_unknown_degrades_to_the_parameters_of_the_grant(bench: Bench) -> None:
    bench.server.zones = ZONES
    bench.server.grants = {CAPABILITY: grant(limits={"area": AREA}, on_unknown={"degrade": {"faces": 1}})}
    agent = bench.enrolled()
    with agent.use(CAPABILITY) as granted:
        assert granted.degraded == {"faces": 1}
        assert granted.reason is not None
        assert granted.reason.code == "area.no_position"
    agent.locate(INSIDE)
    with agent.use(CAPABILITY) as granted:
        assert granted.degraded is None
    agent.locate(OUTSIDE)
    assert denial(agent) == "area.outside"


def test_a_position_that_cannot_be_reached_is_reported_and_not_used(bench: Bench) -> None:
    bench.server.zones = ZONES
    agent = bench.granting(area=AREA, platform={"max_speed_mps": 50.0})
    agent.locate(OUTSIDE)
    for _ in range(10):
        bench.clock.pass_time(1)
        agent.locate(INSIDE)
    assert denial(agent) == "area.outside"
    agent.sync()
    (event,) = bench.server.events("position.implausible")
    assert event["limit_mps"] == 50
    assert event["implied_mps"] > 100_000


def test_a_device_that_did_travel_is_believed_again(bench: Bench) -> None:
    bench.server.zones = ZONES
    agent = bench.granting(area=AREA, platform={"max_speed_mps": 250.0})
    agent.locate(OUTSIDE)
    bench.clock.pass_time(2 * HOUR)
    agent.locate(INSIDE)
    assert denial(agent) is None
    agent.sync()
    assert bench.server.events("position.implausible") == []


def test_a_position_that_is_none_is_the_products_own_mistake(bench: Bench) -> None:
    agent = bench.enrolled()
    with pytest.raises(ValueError, match="latitude") as refused:
        agent.locate(Fix(float("nan"), 0.0, 1.0))
    assert getattr(refused.value, "code", None) == "fix.malformed"


def test_a_quota_is_spent_and_filled_by_its_window(bench: Bench) -> None:
    agent = bench.granting(quota={"id": "q", "uses": 2, "per": "PT1H", "anchor": 0})
    assert [denial(agent) for _ in range(3)] == [None, None, "quota.exhausted"]
    bench.clock.pass_time(HOUR)
    assert denial(agent) is None


def test_a_clock_set_ahead_refills_nothing(bench: Bench) -> None:
    agent = bench.granting(quota={"id": "q", "uses": 1, "per": "PT1H", "anchor": 0})
    assert denial(agent) is None
    bench.clock.jump(2 * HOUR)
    bench.clock.pass_time(1)
    assert denial(agent) == "quota.exhausted"


def test_a_new_entitlement_with_the_same_quota_refills_nothing(bench: Bench) -> None:
    quota = {"id": "q", "uses": 2, "anchor": 0}
    agent = bench.granting(quota=quota)
    assert [denial(agent) for _ in range(2)] == [None, None]
    bench.server.grants = {CAPABILITY: grant(index=7, limits={"quota": quota | {"uses": 3}})}
    assert agent.sync().entitlement
    assert [denial(agent) for _ in range(2)] == [None, "quota.exhausted"]


def test_deciding_takes_nothing_and_leaves_nothing(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="each", limits={"quota": {"id": "q", "uses": 1, "anchor": 0}})}
    agent = bench.enrolled()
    agent.sync()
    before = agent.status().unreported
    for _ in range(5):
        assert isinstance(agent.decide(CAPABILITY), Granted)
        assert isinstance(agent.decide("av.record"), Denied)
    assert agent.status().unreported == before
    assert denial(agent) is None


def test_parameters_are_held_against_the_schema(bench: Bench) -> None:
    agent = bench.granting(parameters={"properties": {"faces": {"maximum": 2}}, "required": ["faces"]})
    assert denial(agent, faces=2) is None
    assert denial(agent, faces=3) == "parameters.refused"
    assert denial(agent) == "parameters.refused"
    assert denial(agent, faces=float("nan")) == "parameters.refused"


def test_an_authority_must_be_cited_in_its_form(bench: Bench) -> None:
    agent = bench.granting(authority={"required": True, "pattern": "W-[0-9]{4}"})
    assert denial(agent, authority="W-2026") is None
    assert denial(agent, authority="because") == "authority.refused"
    assert denial(agent) == "authority.missing"
    assert denial(agent, authority=2026) == "authority.refused"


def test_so_many_different_operators_must_stand_behind_a_use(bench: Bench) -> None:
    agent = bench.granting(operators={"distinct": 2})
    assert denial(agent, operators=("ana", "bo")) is None
    assert denial(agent, operators=("ana", "ana")) == "operators.too_few"


@pytest.mark.parametrize("operators", ["ana", ("ana", None), ("ana", ""), (1, 2), [["ana"], "bo"], iter(())])
def test_what_names_no_second_person_is_none(bench: Bench, operators: Any) -> None:
    agent = bench.granting(operators={"distinct": 2})
    assert denial(agent, operators=operators) == "operators.too_few"
    assert agent.explain(CAPABILITY, operators=operators).decision == agent.decide(CAPABILITY, operators=operators)


def test_operators_are_named_in_whatever_holds_several(bench: Bench) -> None:
    agent = bench.granting(operators={"distinct": 2})
    assert denial(agent, operators=["ana", "bo"]) is None
    assert isinstance(agent.decide(CAPABILITY, operators=iter(["ana", "bo"])), Granted)  # type: ignore[arg-type]  # a product may be untyped


def test_a_limit_of_an_unknown_kind_denies_its_capability_only(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(limits={"moon_phase": {"full": True}}), "av.record": grant(index=1)}
    agent = bench.enrolled()
    assert denial(agent) == "limit.unsupported"
    assert denial(agent, "av.record") is None


@pytest.mark.parametrize(
    ("library", "limits"), [("shapely", {"area": AREA}), ("jsonschema_rs", {"parameters": {"type": "object"}})]
)
def test_a_library_that_is_not_installed_denies_its_capability_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, library: str, limits: dict[str, Any]
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "licensing_protocol.limits.border", raising=False)
    bench.server.zones = ZONES
    bench.server.grants = {CAPABILITY: grant(limits=limits), "av.record": grant(index=1)}
    agent = bench.enrolled()
    assert denial(agent) == "limit.unsupported"
    assert denial(agent, "av.record") is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.INVALID, "status.invalid"),
        (Status.SUSPENDED, "status.suspended"),
        (Status.RESERVED, "status.invalid"),
    ],
)
def test_a_status_that_is_not_valid_denies(bench: Bench, status: Status, code: str) -> None:
    agent = bench.enrolled()
    assert denial(agent) is None
    bench.server.statuses = {0: status}
    agent.sync()
    assert denial(agent) == code
    bench.server.statuses = {}
    agent.sync()
    assert denial(agent) is None


def test_a_device_cut_off_loses_what_it_has(bench: Bench) -> None:
    bench.server.grants = {
        CAPABILITY: grant(freshness={"max_offline": 100, "max_silent": 1000, "per_boot": False}),
        "av.record": grant(index=1, freshness={"max_offline": 1000, "max_silent": 100, "per_boot": False}),
    }
    agent = bench.enrolled()
    bench.server.reachable = False
    bench.clock.pass_time(99)
    assert denial(agent) is None
    assert denial(agent, "av.record") is None
    bench.clock.pass_time(1)
    assert denial(agent) == "status.stale"
    assert denial(agent, "av.record") == "contact.silent"
    bench.server.reachable = True
    agent.sync()
    assert denial(agent) is None
    assert denial(agent, "av.record") is None


def test_a_grant_may_ask_for_contact_after_each_start(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(freshness={"max_offline": 9000, "max_silent": 9000, "per_boot": True})}
    agent = bench.enrolled()
    assert denial(agent) is None
    agent.close()
    bench.clock.reboot(60)
    bench.truth = bench.clock.read().wall
    again = bench.open()
    assert denial(again) == "contact.this_boot"
    again.sync()
    assert denial(again) is None


def test_an_entitlement_ends(bench: Bench) -> None:
    bench.server.expires = NOW + 50
    agent = bench.enrolled()
    assert denial(agent) is None
    bench.clock.pass_time(50)
    assert denial(agent) == "entitlement.expired"


def test_a_clock_rolled_back_does_not_bring_an_entitlement_back(bench: Bench) -> None:
    bench.server.expires = NOW + 50
    agent = bench.enrolled()
    bench.clock.pass_time(50)
    assert denial(agent) == "entitlement.expired"
    bench.clock.jump(-1000)
    bench.clock.pass_time(1)
    assert denial(agent) == "entitlement.expired"


def test_a_clock_that_was_set_is_reported_and_not_believed_until_the_next_contact(bench: Bench) -> None:
    agent = bench.enrolled()
    agent.close()
    bench.clock.reboot(60)
    bench.truth = bench.clock.read().wall
    again = bench.open()
    assert denial(again) is None
    bench.clock.jump(7200)
    bench.clock.pass_time(1)
    assert denial(again) == "time.unknown"
    assert again.sync().reached
    assert denial(again) is None
    assert [event["seconds"] for event in bench.server.events("clock.jumped")] == [7200]


def test_no_answer_outlives_the_time_since_start_going_back(bench: Bench) -> None:
    bench.server.expires = NOW + 50
    agent = bench.enrolled()
    gate = agent.use(CAPABILITY)
    with gate:
        pass
    bench.clock.pass_time(49.5)
    assert denial(agent) is None
    # An hour later, with the time since start set back by an hour: a prepared answer would stand for all of it.
    bench.clock.jump(3600)
    bench.clock.set_back(30)
    assert isinstance(agent.decide(CAPABILITY), Denied)
    with pytest.raises(CapabilityDenied), gate:
        pass


def test_a_position_does_not_outlive_the_time_since_start_going_back(bench: Bench) -> None:
    bench.server.zones = ZONES
    agent = bench.granting(area=AREA)
    agent.locate(INSIDE)
    bench.clock.pass_time(50)
    assert denial(agent) is None
    bench.clock.set_back(40)
    assert denial(agent) == "area.no_position"
    agent.locate(INSIDE)
    assert denial(agent) is None


def test_boottime_going_back_asks_for_contact_again(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(freshness={"max_offline": 10**6, "max_silent": 10**6, "per_boot": True})}
    agent = bench.enrolled()
    bench.clock.pass_time(5000)
    agent.sync()
    assert denial(agent) is None
    bench.clock.set_back(3000)
    bench.truth = bench.clock.read().wall - bench.clock.read().boottime
    assert denial(agent) in {"contact.this_boot", "time.unknown"}
    assert agent.sync().reached
    assert denial(agent) is None
    told = bench.server.events("clock.rolled_back")
    assert [(event["against"], event["seconds"]) for event in told] == [("boottime", 3000)]


def test_a_clock_that_jumps_at_every_look_does_not_fill_the_journal(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="each")}
    agent = bench.enrolled()
    for number in range(300):
        bench.clock.pass_time(1)
        bench.clock.jump(7200 if number % 2 else -7200)
        agent.decide(CAPABILITY)
    assert agent.status().unreported < 10
    agent.sync()
    # Signed time believes the wall clock again, which had to jump once more to be told again.
    assert sum(event["count"] for event in bench.server.events("clock.jumped")) >= 299


def test_each_start_of_the_device_is_told_once(bench: Bench) -> None:
    bench.enrolled().close()
    bench.open().close()
    bench.clock.reboot(60)
    bench.truth = bench.clock.read().wall
    bench.open().sync()
    assert [event["boots"] for event in bench.server.events("agent.started")] == [1, 2]


def test_another_release_is_not_what_was_granted(bench: Bench) -> None:
    agent = bench.enrolled()
    agent.close()
    other = Bench(bench.folder, bench.exporter, bench.clock, {"release": "2.0"})
    assert denial(other.open()) == "entitlement.release"
    third = Bench(bench.folder, bench.exporter, bench.clock, {"servers": ("https://other.example",)})
    assert denial(third.open()) == "entitlement.manifest"
    for one in (*other.agents, *third.agents):
        one.close()


def test_safety_functions_are_granted_whatever_else_is_wrong(bench: Bench) -> None:
    agent = bench.open()
    safety = "safety.tamper_alarm"
    assert denial(agent, safety) is None
    agent.enroll("token")
    bench.server.statuses = {0: Status.INVALID}
    agent.sync()
    assert denial(agent, safety, authority="x", level=3) is None
    agent.close()
    assert denial(agent, safety) is None
    assert denial(agent) == "agent.closed"
