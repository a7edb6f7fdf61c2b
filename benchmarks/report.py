"""What a benchmark prints: a table for people, or one JSON object for machines."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.measure import QUICK, THOROUGH, Case, Effort, per_second, percentile
from licensing_protocol.canonical import JsonObject, encode

_PERCENTILES: Final = (("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999))


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that should not exceed its limit, or with ``at_least`` not fall below it."""

    name: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is as it should be."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def to_json(self) -> JsonObject:
        """Return it for machines."""
        return {"name": self.name, "value": self.value, "limit": self.limit, "holds": self.holds}


@dataclass(frozen=True, slots=True)
class Report:
    """The rows of one benchmark (every figure has its unit in its name), and its targets."""

    name: str
    rows: Sequence[JsonObject]
    targets: Sequence[Target]

    def to_json(self) -> JsonObject:
        """Return it for machines."""
        targets = [target.to_json() for target in self.targets]
        return {"name": self.name, "machine": machine(), "rows": list(self.rows), "targets": targets}

    def to_table(self) -> str:
        """Return it for people."""
        # A row may lack figures that others have.
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        cells = [names, *([_written(row.get(name)) for name in names] for row in self.rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
        lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells]
        about = ", ".join(str(value) for value in machine().values())
        return "\n".join([f"{self.name} ({about})", "", *lines, "", *map(_judged, self.targets), ""])


Measure: TypeAlias = Callable[[Effort], Report]


def timings(case: Case) -> JsonObject:
    """Return the row of a case: percentiles of a call in microseconds, and calls a second."""
    figures: JsonObject = {name: round(percentile(case.samples, share) / 1000, 3) for name, share in _PERCENTILES}
    return {"case": case.name, **figures, "per_s": round(per_second(case)), "calls": len(case.samples)}


def ratio(over: float, under: float) -> float:
    """Return a ratio as a target holds it."""
    return round(over / max(under, 1e-9), 2)


def machine() -> JsonObject:
    """Say on what this ran."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def run(name: str, about: str, measure: Measure) -> int:
    """Measure as the command line asks, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="a few calls of each case, to see that it runs")
    chosen = parser.parse_args()
    report = measure(QUICK if chosen.quick else THOROUGH)
    sys.stdout.write(encode(report.to_json()).decode() + "\n" if chosen.json else report.to_table())
    return 0


def _written(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) else str("" if value is None else value)


def _judged(target: Target) -> str:
    bound = "at least" if target.at_least else "at most"
    return f"{target.name}: {target.value} ({bound} {target.limit}) {'holds' if target.holds else 'DOES NOT HOLD'}"


def _processor() -> str:
    # Python's own platform.processor() is empty on most Linux systems.
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "CPU part")))
    return next(named, platform.machine())
