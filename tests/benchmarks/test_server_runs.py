"""The benchmarks of the server run and report in the form that they promise, with real processes, in small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.load import Load
from licensing_protocol.canonical import decode_object

ROOT = Path(__file__).parent.parent.parent
UNITS = ("_s", "_ms", "_bytes", "case", "requests")


def printed(name: str) -> Any:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=170).stdout
    report = decode_object(output)
    assert set(report) == {"name", "machine", "rows", "targets"}
    assert all(member.endswith(UNITS) for row in report["rows"] for member in row)
    return report


def limits(report: Any) -> dict[str, float]:
    return {target["name"]: target["limit"] for target in report["targets"]}


def test_revocation_is_measured_from_the_order_to_the_last_agent() -> None:
    report = printed("revocation")
    assert limits(report) == {
        "zlib_bytes_1m_1pct": 16_000,
        "http_gzip_bytes_1m_1pct": 21_000,
        "order_1m_over_bare_update": 5,
        "propagation_p99_s": 1.5,
    }
    fleet, agents = report["rows"]
    assert fleet["case"] == "1,000 grants"
    assert all(fleet[figure] > 0 for figure in ("order_s", "bare_update_s", "sign_s"))
    assert fleet["entropy_bytes"] < fleet["zlib_bytes"] < fleet["http_gzip_bytes"]
    assert agents["case"] == "order to 6 waiting agents"
    assert 0 < agents["p50_s"] <= agents["p99_s"]


def test_check_in_is_measured_beside_its_floor_and_with_fleets() -> None:
    report = printed("check_in")
    assert limits(report) == {"check_in_over_floor": 0.4, "check_in_1m_devices_over_1k": 0.85}
    assert all(target["holds"] is (target["value"] >= target["limit"]) for target in report["targets"])
    cases = [row["case"] for row in report["rows"]]
    assert cases == ["SQLite, floor", "SQLite, 1 process", "SQLite, 50 devices", "SQLite, 100 devices"]
    for row in report["rows"]:
        assert 0 < row["p50_ms"] <= row["p99_ms"]
        assert row["requests"] > 0
        assert row["per_s"] > 0


def test_a_load_counts_what_was_done_by_whom() -> None:
    load = Load("made up", [], [], [], samples=[1_000, 3_000], elapsed_s=0.5, cpu_s=0.004)
    assert (load.per_s, load.cpu_ms) == (4.0, 2.0)
