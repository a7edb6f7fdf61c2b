"""``interlock publish``: once, and as a process that follows what is signed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from tests.cli.command_line import Serving, Staff, here
from tests.cli.exporter import CAPABILITY, Company
from tests.simulators.device import payload

LIST = Path("v1/status/1")


def test_it_writes_once_and_says_what(fresh: Path, tmp_path: Path) -> None:
    answer = here("publish", tmp_path / "www", "--data-dir", fresh, "--json")
    assert answer.json == {"folder": str(tmp_path / "www"), "written": 2, "removed": 0}
    assert (tmp_path / "www/v1/trust/1.root.json").exists()
    told = here("publish", tmp_path / "www", "--data-dir", fresh)
    assert told.out.startswith("Written: 0. Removed: 0.\n")


def test_it_refuses_a_database_that_is_not_migrated(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    answer = here("publish", tmp_path / "www", "--data-dir", tmp_path / "data", "--json")
    assert (answer.code, answer.failure["code"]) == (1, "database.unmigrated")


def test_it_follows_what_a_server_signs_and_ends_when_asked(fresh: Path, tmp_path: Path) -> None:
    with Serving(fresh) as server, Serving(fresh, (str(tmp_path / "www"), "--follow"), program="publish") as publisher:
        company = Company.found(Staff(server.address, fresh / "admin.token"), fresh.parent)
        device = company.device()
        path = tmp_path / "www" / LIST
        until(path.exists)
        before = payload(path.read_text())["seq"]
        suspend(server.address, (fresh / "admin.token").read_text().strip(), device.id)
        until(lambda: payload(path.read_text())["seq"] > before)
        assert publisher.stop() == 0


def suspend(address: str, token: str, device: str) -> None:
    reason = {"reason_code": "contract", "reason_text": "The contract has ended."}
    order = {"kind": "suspend", "scope": {"device": device, "capability": CAPABILITY}} | reason
    headers = {"Authorization": f"Bearer {token}"}
    placed = httpx2.post(f"{address}/v1/orders", json=order, headers=headers, trust_env=False)
    assert placed.status_code == 201, placed.text


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
