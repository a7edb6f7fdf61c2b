"""An agent explains what it decides, at whatever moment it is asked, and leaves nothing behind by that."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from device_agent import Agent, CapabilityDenied, Fix, Granted, Language
from licensing_protocol.limits import Standing
from licensing_protocol.limits.verdict import together
from licensing_protocol.status_list import Status
from tests.agent.bench import Bench
from tests.agent.test_agent_limits import AREA, INSIDE, NOW, OUTSIDE, ZONES
from tests.simulators.exporter import CAPABILITY, grant

ALARM = "safety.tamper_alarm"
WINDOW = {"days": ["FRI"], "from": "08:00", "to": "09:00"}
LIMITS: dict[str, dict[str, Any]] = {
    "period": {"nbf": NOW - 60, "exp": NOW + 7200},
    "schedule": {"tz": "UTC", "windows": [WINDOW], "except": []},
    "area": AREA,
    "quota": {"id": "q", "uses": 2, "per": "PT1H", "anchor": NOW},
    "operators": {"distinct": 2},
    "parameters": {"properties": {"faces": {"maximum": 2}}},
}
USES: list[dict[str, Any]] = [{}, {"operators": ("ada", "bo")}, {"operators": ("ada", "bo"), "faces": 3}]


def agree(agent: Agent) -> None:
    """Hold every explanation against the decision of the same moment."""
    for capability in (CAPABILITY, "av.record", "face.emotion", ALARM):
        for use in USES:
            explanation = agent.explain(capability, **use)
            decision = agent.decide(capability, **use)
            assert explanation.decision == decision
            strongest = together(step.verdict for step in explanation.steps)
            assert strongest.reason == decision.reason
            assert isinstance(decision, Granted) >= (strongest.standing is Standing.HOLDS)


def use(bench: Bench, agent: Agent) -> None:
    with suppress(CapabilityDenied), agent.use(CAPABILITY, operators=("ada", "bo")):
        pass


ACTS: dict[str, Callable[[Bench, Agent], object]] = {
    "use": use,
    "sync": lambda _, agent: agent.sync(),
    "suspend": lambda bench, agent: (bench.server.statuses.update({0: Status.SUSPENDED}), agent.sync()),
    "reinstate": lambda bench, agent: (bench.server.statuses.pop(0, None), agent.sync()),
    "wait a little": lambda bench, _: bench.clock.pass_time(0.4),
    "wait": lambda bench, _: bench.clock.pass_time(47.3),
    "wait long": lambda bench, _: bench.clock.pass_time(2800.5),
    "clock ahead": lambda bench, _: bench.clock.jump(4000),
    "clock back": lambda bench, _: bench.clock.jump(-4000),
    "inside": lambda _, agent: agent.locate(INSIDE),
    "outside": lambda _, agent: agent.locate(OUTSIDE),
    "just inside": lambda _, agent: agent.locate(Fix(48.9996, 10.0, 20.0)),
    "at the border, inside": lambda _, agent: agent.locate(Fix(48.9998, 10.0, 20.0)),
    "at the border, outside": lambda _, agent: agent.locate(Fix(49.0002, 10.0, 20.0)),
    "just outside": lambda _, agent: agent.locate(Fix(49.0004, 10.0, 20.0)),
}


@given(
    st.sets(st.sampled_from(sorted(LIMITS))),
    st.booleans(),
    st.sampled_from(["none", "count", "each"]),
    st.lists(st.sampled_from(sorted(ACTS)), max_size=8),
)
# A stricter answer at a border is held on to after it.
@example({"area"}, False, "none", ["at the border, inside", "wait", "just inside", "wait", "wait"])
@example(set(LIMITS), False, "count", ["inside", "use", "use", "wait long", "use", "clock ahead", "sync", "clock back"])
@settings(deadline=None, max_examples=40)
def test_it_is_what_is_decided_whatever_happened(
    tmp_path_factory: pytest.TempPathFactory, kinds: set[str], degrades: bool, audit: str, acts: list[str]
) -> None:
    # An agent for each example; the fixture is one for all.
    bench = Bench(tmp_path_factory.mktemp("device"))
    bench.server.zones = ZONES
    on_unknown = {"degrade": {"faces": 1}} if degrades else "deny"
    limits = {kind: LIMITS[kind] for kind in sorted(kinds)}
    bench.server.grants = {CAPABILITY: grant(limits=limits, on_unknown=on_unknown, audit=audit)}
    agent = bench.enrolled()
    agree(agent)
    for act in acts:
        ACTS[act](bench, agent)
        agree(agent)
    agent.close()
    agree(agent)


def steps(agent: Agent, **said: Any) -> dict[str, str]:
    """Return what each step says: the code of its reason, or that it holds."""
    found = agent.explain(CAPABILITY, **said).steps
    return {step.name: "holds" if step.verdict.reason is None else step.verdict.reason.code for step in found}


def test_it_shows_each_limit_with_what_the_device_knows(bench: Bench) -> None:
    bench.server.zones = ZONES
    agent = bench.granting(**LIMITS)
    agent.locate(INSIDE)
    use(bench, agent)
    bench.clock.pass_time(10)
    explanation = agent.explain(CAPABILITY, operators=("ada", "bo"), faces=3)
    facts = {step.name: step.facts for step in explanation.steps}
    assert (facts["quota"]["used"], facts["quota"]["left"]) == (1, 1)
    assert (facts["area"]["age_s"], facts["area"]["zones"][0]["position"]) == (10.0, "in")
    assert facts["freshness"]["report_age_s"] == 10
    assert steps(agent, operators=("ada", "bo"), faces=3) == dict.fromkeys(facts, "holds") | {
        "parameters": "parameters.refused"
    }
    assert "parameters" in str(explanation)
    assert "Parameter" in explanation.told(Language.named("de"))


def test_it_uses_nothing_up_and_leaves_nothing_in_the_journal(bench: Bench) -> None:
    bench.server.zones = ZONES
    agent = bench.granting(**LIMITS)
    agent.locate(OUTSIDE)
    before = agent.status().unreported
    for _ in range(5):
        assert steps(agent, operators=("ada", "bo"))["quota"] == "holds"
    assert agent.status().unreported == before
    agent.sync()
    assert bench.server.events("capability.denied") == []


def test_a_release_that_is_not_covered_hides_no_other_cause(bench: Bench) -> None:
    agent = bench.granting(operators={"distinct": 2})
    agent.close()
    bench.server.statuses = {0: Status.SUSPENDED}
    bench.manifest = bench.exporter.manifest(release="9.9")
    updated = bench.open()
    updated.sync()
    agree(updated)
    found = steps(updated)
    assert (found["release"], found["status"], found["operators"]) == (
        "entitlement.release",
        "status.suspended",
        "operators.too_few",
    )


def test_what_the_agent_itself_cannot_do_is_a_step_of_its_own(bench: Bench) -> None:
    agent = bench.enrolled()
    use(bench, agent)
    other = sqlite3.connect(bench.folder / "agent" / "agent.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    bench.clock.pass_time(3)
    assert steps(agent)["device"] == "store.locked"
    assert steps(agent)["status"] == "holds"
    agree(agent)
    other.execute("ROLLBACK")
    other.close()
    bench.clock.pass_time(3)
    assert steps(agent)["device"] == "holds"
    agent.close()
    assert steps(agent) == {"safety": "holds", "device": "agent.closed"}
    assert agent.explain(ALARM).decision == Granted(ALARM)


def test_a_store_that_cannot_be_read_is_the_only_thing_that_is_known(bench: Bench) -> None:
    (bench.folder / "agent").mkdir()
    (bench.folder / "agent" / "agent.db").write_bytes(b"not a database" * 100)
    agent = bench.open()
    assert steps(agent) == {"safety": "holds", "device": "store.unreadable"}
    agree(agent)


def test_the_status_tells_when_and_where_it_may_be_otherwise(bench: Bench) -> None:
    bench.server.zones = ZONES
    agent = bench.granting(area=AREA, schedule=LIMITS["schedule"])
    agent.locate(OUTSIDE)
    told = agent.status().to_json()["capabilities"][CAPABILITY]
    assert (told["code"], told["zone"]) == ("area.outside", "Square")
    bench.clock.pass_time(3600)
    closed = agent.status().to_json(Language.named("fr"))["capabilities"][CAPABILITY]
    # Eight o'clock of the Friday after.
    assert (closed["code"], closed["retry_at"]) == ("schedule.closed", NOW - 1000 + 7 * 86_400)
    assert closed["sentence"] == "En dehors des heures que l'accord permet."
