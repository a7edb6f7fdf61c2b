"""Benchmarks run and report in the form that they promise; how fast they find anything is no test's business."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.measure import Case, Effort, interleaved, per_second, percentile
from benchmarks.report import Report, Target, timings
from licensing_protocol.canonical import decode_object

ROOT = Path(__file__).parent.parent.parent
TARGETS = {
    "decision": {
        "use_all_limits_p50_over_floor_p50": 6,
        "decide_all_limits_p50_over_floor_p50": 4,
        "use_all_limits_p99_over_p50": 5,
        "openfeature_p50_over_use_p50": 8,
        "cedar_p50_over_use_p50": 25,
        "casbin_p50_over_use_p50": 20,
    },
    "locate": {"locate_p50_over_contains_p50": 4, "locate_p99_over_contains_p50": 20},
}
CASES = {
    "decision": {
        "floor",
        "use, all limits",
        "use, all limits, 4 threads",
        "decide, all limits",
        "use, denied",
        "use, one of 100 grants",
        "peer: OpenFeature",
        "peer: Cedar",
        "peer: Casbin",
    },
    "locate": {"floor: prepared contains_xy", "area, 1 Hz", "area, 100 Hz", "agent, 1 Hz"},
}
PEERS = {"openfeature", "cedar", "casbin"}
UNITS = ("_us", "_s", "calls", "case")


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_benchmark_prints_one_object(name: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=100).stdout
    report = decode_object(printed)
    assert set(report) == {"name", "machine", "rows", "targets"}
    assert report["name"] == name
    assert set(report["machine"]) == {"processor", "cores", "system", "python"}
    assert {target["name"]: target["limit"] for target in report["targets"]} == TARGETS[name]
    for target in report["targets"]:
        is_least = target["name"].split("_")[0] in PEERS
        assert target["holds"] is (
            target["value"] >= target["limit"] if is_least else target["value"] <= target["limit"]
        )
    cases = [row["case"] for row in report["rows"]]
    assert len(set(cases)) == len(cases)
    assert set(cases) >= CASES[name]
    for row in report["rows"]:
        assert all(member.endswith(UNITS) for member in row)
        assert 0 <= row["p50_us"] <= row["p99_us"] <= row["p999_us"]
        assert row["per_s"] > 0


def test_a_start_is_measured_and_weighed() -> None:
    command = [sys.executable, "-m", "benchmarks.startup", "--quick", "--json"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=100).stdout
    report = decode_object(printed)
    assert [(target["name"], target["limit"]) for target in report["targets"]] == [
        ("first_decision_over_importing_pyjwt_and_cryptography", 2)
    ]
    rows = {row["case"]: row for row in report["rows"]}
    floor, first = rows["floor: import PyJWT and cryptography"], rows["first decision"]
    assert 0 < floor["p50_ms"] <= floor["p90_ms"]
    assert 5_000 < floor["resident_kib"] < first["resident_kib"]
    sizes = {case: row["bytes"] for case, row in rows.items() if row["bytes"] is not None}
    assert set(sizes) == {
        "base installation",
        "store of an enrolled device",
        "check-in, sent",
        "check-in, received",
    }
    assert min(sizes.values()) > 300


def test_the_log_is_measured_beside_its_peer() -> None:
    command = [sys.executable, "-m", "benchmarks.log", "--quick", "--json"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=200).stdout
    report = decode_object(printed)
    assert {target["name"]: target["limit"] for target in report["targets"]} == {
        "sqlite_append_batch_1000_per_s": 20_000,
        "postgres_append_batch_1000_per_s": 10_000,
        "proof_1m_cold_p50_ms": 1,
        "verify_1m_over_hashing_floor": 4,
    }
    cases = [row["case"] for row in report["rows"]]
    assert len(set(cases)) == len(cases)
    for row in report["rows"]:
        assert 0 <= row["p50_ms"] <= row["p99_ms"]
        assert row["per_s"] > 0
    for begin in (
        "sqlite, append",
        "postgres, append",
        "inclusion",
        "consistency",
        "verify",
        "floor",
        "peer: pymerkle",
    ):
        assert sum(case.startswith(begin) for case in cases) >= 1, begin


def test_an_option_that_is_none_is_a_usage_error() -> None:
    command = [sys.executable, "-m", "benchmarks.decision", "--slow"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60).returncode == 2


def test_a_table_has_a_line_for_each_row_and_says_what_does_not_hold() -> None:
    rows = [{"case": "floor", "p50_us": 0.5}, {"case": "subject", "p50_us": 1500.0}]
    targets = [Target("subject_over_floor", 3000, 6), Target("floor", 1, 1), Target("peer", 7, 8, at_least=True)]
    table = Report("made_up", rows, targets).to_table()
    assert "peer: 7 (at least 8) DOES NOT HOLD" in table
    assert "subject  1,500.0\n" in table
    assert "subject_over_floor: 3000 (at most 6) DOES NOT HOLD" in table
    assert "floor: 1 (at most 1) holds" in table


@pytest.mark.parametrize("threads", [1, 3])
def test_cases_take_turns_and_every_call_is_counted(threads: int) -> None:
    turns: list[str] = []

    def calling(name: str) -> Callable[[], None]:
        return lambda: turns.append(name)

    cases = [Case("first", calling("first")), Case("second", calling("second"), threads=threads)]
    interleaved(cases, Effort(0.02, 2))
    # Three calls warm up.
    assert turns.count("second") == len(cases[1].samples) + 3
    changes = [name for at, name in enumerate(turns) if at == 0 or turns[at - 1] != name]
    assert changes == ["first", "second"] * 3
    assert all(per_second(case) > 0 and timings(case)["calls"] == len(case.samples) for case in cases)


def test_percentiles_are_samples() -> None:
    samples = list(range(1, 1001))
    assert [percentile(samples, share) for share in (0, 0.5, 0.99, 0.999, 1)] == [1, 501, 991, 1000, 1000]
