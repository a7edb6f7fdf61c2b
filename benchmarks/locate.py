"""What a position costs at a real border: ``python -m benchmarks.locate [--json] [--quick]``.

Each drive crosses the border of Switzerland; half of its fixes lie within 5 km of it. ``area`` is what a position
costs an area limit, held against the answer before: the targets are for this. Every drive meets the border anew, made
ready with its first fix and with nothing remembered of the drives before. ``agent`` is the whole of ``Agent.locate``:
the position is held against those before it, at the pace of the drive, and the newest is kept once a minute.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Final

import shapely
from shapely.geometry import shape

from benchmarks.device import ExportersClock, enrolled
from benchmarks.measure import Case, Effort, interleaved, percentile
from benchmarks.report import Report, Target, ratio, run, timings
from device_agent import Agent
from device_agent.clock import Reading
from licensing_protocol.limits import Area, Fix
from licensing_server.catalogue.regions import Regions

_ZONE: Final = Regions.load().zone("CH")
# Across the northern border at Basel, from ten kilometres inside to as far outside.
_SOUTH, _NORTH, _LONGITUDE = 47.422, 47.678, 7.59
_SPEED_MPS: Final = 30.0
_DEGREE_M: Final = 111_200.0
# No drive is on the road of another: a track that comes again is implausible.
_LANE_DEG: Final = 1e-6
FLOOR: Final = "floor: prepared contains_xy"


def drive(per_second: int, lane: int = 0) -> list[Fix]:
    """Return the fixes of one drive to the north, or back on an odd lane."""
    steps = int((_NORTH - _SOUTH) * _DEGREE_M / _SPEED_MPS * per_second)
    longitude = _LONGITUDE + lane * _LANE_DEG
    fixes = [Fix(_SOUTH + (_NORTH - _SOUTH) * step / steps, longitude, 5.0) for step in range(steps)]
    return fixes[::-1] if lane % 2 else fixes


def measure(effort: Effort) -> Report:
    """Measure all cases, interleaved."""
    clock = PacedClock()
    with enrolled({"plain.use": {}}, clock) as agent:
        cases = [
            Case(FLOOR, partial(next, contained(1))),
            Case("area, 1 Hz", partial(next, evaluated(1))),
            Case("area, 100 Hz", partial(next, evaluated(100))),
            Case("agent, 1 Hz", partial(next, located(1, agent, clock))),
        ]
        interleaved(cases, effort)
    return Report("locate", [timings(case) for case in cases], targets({case.name: case for case in cases}))


def contained(per_second: int) -> Iterator[object]:
    """Ask of each fix only on which side of the border it is."""
    polygon = shape(_ZONE.geometry)
    shapely.prepare(polygon)
    for lane in count():
        for fix in drive(per_second, lane):
            yield shapely.contains_xy(polygon, fix.longitude, fix.latitude)


def evaluated(per_second: int) -> Iterator[object]:
    """Hold each fix of each drive against the area."""
    for lane in count():
        area, before = Area(("CH",), (), 60, 1000.0).compile({"CH": _ZONE}), None
        for fix in drive(per_second, lane):
            verdict, before = area.settle(fix, 0.0, before)
            yield verdict


def located(per_second: int, agent: Agent, clock: PacedClock) -> Iterator[None]:
    """Tell the agent each fix, at its time."""
    for lane in count():
        for fix in drive(per_second, lane):
            clock.passed += 1 / per_second
            agent.locate(fix)
            yield None


class PacedClock(ExportersClock):
    """Shows that time has passed with each fix."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def read(self) -> Reading:
        """Read all clocks together."""
        reading = super().read()
        return Reading(reading.wall + self.passed, reading.boottime + self.passed, reading.boot)


def targets(cases: dict[str, Case]) -> list[Target]:
    """Hold the figures against what they should be."""
    floor = percentile(cases[FLOOR].samples, 0.5)
    samples = cases["area, 1 Hz"].samples
    return [
        Target("locate_p50_over_contains_p50", ratio(percentile(samples, 0.5), floor), 4),
        Target("locate_p99_over_contains_p50", ratio(percentile(samples, 0.99), floor), 20),
    ]


if __name__ == "__main__":
    sys.exit(run("locate", "What a position costs at a real border.", measure))
