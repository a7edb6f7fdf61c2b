"""What a decision costs: ``python -m benchmarks.decision [--json] [--quick]``.

Every case is one call of an enrolled agent whose store lies on this machine's disk; a use is entered and left. All
limits are a period, a schedule, an area with the border of Switzerland, a quota, parameters, an authority, operators
and a platform. A use under a quota is on disk before it begins, in blocks: one use in 256 waits for the disk, which is
what its 99.9th percentile shows. The peers are compared to a use with all limits.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any, Final

from benchmarks import peers
from benchmarks.device import enrolled
from benchmarks.floors import DecisionFloor
from benchmarks.measure import Call, Case, Effort, interleaved, percentile
from benchmarks.report import Report, Target, ratio, run, timings
from device_agent import Agent, CapabilityDenied
from licensing_protocol.canonical import JsonObject
from tests.simulators.exporter import ISSUED

_WEEK: Final = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
LIMITS: Final[JsonObject] = {
    "period": {"nbf": ISSUED, "exp": ISSUED + 10**7},
    "schedule": {"tz": "Europe/Berlin", "windows": [{"days": _WEEK, "from": "00:00", "to": "24:00"}]},
    "area": {"allow": ["CH"], "deny": [], "max_age": 86_400, "max_uncertainty_m": 1000},
    "quota": {"id": "benchmark", "uses": 10**12, "anchor": ISSUED},
    "parameters": {"type": "object", "properties": {"faces": {"type": "integer", "maximum": 2}}},
    "authority": {"required": True, "pattern": "DE/[0-9]{4}"},
    "operators": {"distinct": 2},
    "platform": {"max_speed_mps": 50},
}
WITHOUT_QUOTA: Final = {kind: limit for kind, limit in LIMITS.items() if kind != "quota"}
SAID: Final[dict[str, Any]] = {"authority": "DE/2026", "operators": ("ada", "bo"), "faces": 1}
GRANTS: Final[dict[str, JsonObject]] = {
    "plain.use": {},
    "every.limit": LIMITS,
    "every.but_quota": WITHOUT_QUOTA,
    **{f"only.{kind}": {kind: limit} for kind, limit in LIMITS.items()},
}
FLOOR, USE, DECIDE = "floor", "use, all limits", "decide, all limits"
# What each is called in a target, and how many times longer than ours its answer should take.
_PEERS: Final = (("openfeature", peers.OPENFEATURE, 8), ("cedar", peers.CEDAR, 25), ("casbin", peers.CASBIN, 20))


def measure(effort: Effort) -> Report:
    """Measure all cases, interleaved."""
    with ExitStack() as stack:
        agent = stack.enter_context(enrolled(GRANTS))
        floor = DecisionFloor(dict.fromkeys(GRANTS, "granted"))
        cases = [
            Case(FLOOR, lambda: floor.use("every.limit", **SAID)),
            Case(USE, using(agent, "every.limit", **SAID)),
            Case("use, all limits but quota", using(agent, "every.but_quota", **SAID)),
            Case(DECIDE, lambda: agent.decide("every.limit", **SAID)),
            Case("decide, all limits but quota", lambda: agent.decide("every.but_quota", **SAID)),
            Case("use, no limits", using(agent, "plain.use")),
            Case("decide, no limits", lambda: agent.decide("plain.use")),
            *(Case(f"use, {kind}", using(agent, f"only.{kind}", **SAID)) for kind in LIMITS),
            Case("use, denied", denied(agent)),
            Case("decide, denied", lambda: agent.decide("stripped.use")),
            *(Case(f"use, one of {n} grants", _one_of(stack, n)) for n in (1, 10, 100)),
            Case("use, no limits, 4 threads", using(agent, "plain.use"), threads=4),
            Case("use, all limits, 4 threads", using(agent, "every.limit", **SAID), threads=4),
            Case("use, all limits but quota, 4 threads", using(agent, "every.but_quota", **SAID), threads=4),
            Case(peers.OPENFEATURE, peers.openfeature()),
            Case(peers.CEDAR, peers.cedar()),
            Case(peers.CASBIN, peers.casbin_()),
        ]
        interleaved(cases, effort)
    return Report("decision", [timings(case) for case in cases], targets({case.name: case for case in cases}))


def using(agent: Agent, capability: str, **said: Any) -> Call:
    """Return a call that uses the capability as a product does."""

    def use() -> None:
        with agent.use(capability, **said):
            pass

    use()
    return use


def denied(agent: Agent) -> Call:
    """Return a call that uses a capability which is not granted."""

    def use() -> None:
        try:
            with agent.use("stripped.use"):
                pass
        except CapabilityDenied:
            pass

    return use


def targets(cases: dict[str, Case]) -> list[Target]:
    """Hold the figures against what they should be."""
    floor, use, decide = (percentile(cases[name].samples, 0.5) for name in (FLOOR, USE, DECIDE))
    return [
        Target("use_all_limits_p50_over_floor_p50", ratio(use, floor), 6),
        Target("decide_all_limits_p50_over_floor_p50", ratio(decide, floor), 4),
        Target("use_all_limits_p99_over_p50", ratio(percentile(cases[USE].samples, 0.99), use), 5),
        *(
            Target(f"{name}_p50_over_use_p50", ratio(percentile(cases[peer].samples, 0.5), use), least, at_least=True)
            for name, peer, least in _PEERS
        ),
    ]


def _one_of(stack: ExitStack, grants: int) -> Call:
    agent = stack.enter_context(enrolled({f"plain.use{number}": {} for number in range(grants)}))
    return using(agent, f"plain.use{grants // 2}")


if __name__ == "__main__":
    sys.exit(run("decision", "What a decision costs.", measure))
