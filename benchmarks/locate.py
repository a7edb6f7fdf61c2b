"""What a position costs at a real border: ``python -m benchmarks.locate [--json] [--quick]``.

The track crosses the border of Switzerland; more than half of its fixes lie within 5 km of it. ``area`` is what
every position costs each area limit; ``agent`` is the whole of ``Agent.locate``, plausibility included.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import cycle
from typing import Any, Final

import shapely
from shapely.geometry import shape

from benchmarks.device import enrolled
from benchmarks.measure import Call, Case, Effort, interleaved, percentile
from benchmarks.report import Report, Target, ratio, run, timings
from licensing_protocol.limits import Area, Fix
from licensing_server.catalogue.regions import Regions

_ZONE: Final = Regions.load().zone("CH")
# Across the northern border at Basel, at 30 m/s, from seven kilometres inside to six outside.
_SOUTH, _NORTH, _LONGITUDE = 47.47, 47.65, 7.59
_SPEED_MPS: Final = 30.0
_DEGREE_M: Final = 111_200.0
FLOOR: Final = "floor: prepared contains_xy"


def track(per_second: int) -> list[Fix]:
    """Return the fixes of a drive there and back."""
    steps = int((_NORTH - _SOUTH) * _DEGREE_M / _SPEED_MPS * per_second)
    there = [Fix(_SOUTH + (_NORTH - _SOUTH) * step / steps, _LONGITUDE, 5.0) for step in range(steps)]
    return there + there[::-1]


def measure(effort: Effort) -> Report:
    """Measure all cases, interleaved."""
    polygon = shape(_ZONE.geometry)
    shapely.prepare(polygon)
    area = Area(("CH",), (), 60, 1000.0).compile({"CH": _ZONE})
    with enrolled({"plain.use": {}}) as agent:
        cases = [
            Case(FLOOR, along(1, lambda fix: shapely.contains_xy(polygon, fix.longitude, fix.latitude))),
            Case("area, 1 Hz", along(1, lambda fix: area.evaluate(fix, 0.0))),
            Case("area, 100 Hz", along(100, lambda fix: area.evaluate(fix, 0.0))),
            Case("agent, 1 Hz", along(1, agent.locate)),
        ]
        interleaved(cases, effort)
    return Report("locate", [timings(case) for case in cases], targets({case.name: case for case in cases}))


def along(per_second: int, ask: Callable[[Fix], Any]) -> Call:
    """Return a call that asks about the next fix of the track."""
    fixes = cycle(track(per_second))
    return lambda: ask(next(fixes))


def targets(cases: dict[str, Case]) -> list[Target]:
    """Hold the figures against what they should be."""
    floor = percentile(cases[FLOOR].samples, 0.5)
    located = cases["area, 1 Hz"].samples
    return [
        Target("locate_p50_over_contains_p50", ratio(percentile(located, 0.5), floor), 4),
        Target("locate_p99_over_contains_p50", ratio(percentile(located, 0.99), floor), 20),
    ]


if __name__ == "__main__":
    sys.exit(run("locate", "What a position costs at a real border.", measure))
