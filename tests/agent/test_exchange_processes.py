"""Several processes on one store, against a server that listens: they never make the device fork itself."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from licensing_protocol.canonical import encode
from licensing_server.config import Settings
from tests.server.exporter import Exporter
from tests.simulators.reporter import Reporter

ROOT = Path(__file__).parents[2]


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Exporter]:
    """An exporter whose server listens on this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    exporter = Exporter.begin(Settings(data_dir=tmp_path / "data", public_url=url, device_rate=10_000))
    server = uvicorn.Server(uvicorn.Config(exporter.app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield exporter
    server.should_exit = True
    thread.join(20)
    listener.close()
    exporter.end()


@pytest.fixture
def folder(exporter: Exporter, tmp_path: Path) -> Path:
    """The folder of a device of that exporter's, which is enrolled."""
    folder = tmp_path / "store"
    folder.mkdir()
    changes = {"servers": (exporter.settings.public_url,)}
    (folder / "manifest.jwt").write_text(exporter.product_manifest("2.0", **changes).sign(exporter.vendor), "ascii")
    (folder / "vendor.json").write_bytes(encode(exporter.vendor.key.jwk))
    exporter.release("2.0", **changes)
    reporter = Reporter(folder)
    reporter.exchange.enroll(exporter.token())
    reporter.store.close()
    exporter.settle()
    return folder


def begin(folder: Path, who: str, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.simulators.reporter", str(folder), who, str(times)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def reported(exporter: Exporter) -> list[tuple[str, int]]:
    """Return what the exporter was told, once it is known that nothing was doubled, dropped or forked."""
    (device,) = exporter.get("/v1/devices")["items"]
    path = f"/v1/devices/{device['id']}"
    assert exporter.get(f"{path}/forks")["items"] == []
    evidence = everything(exporter, f"{path}/evidence")
    assert [item["appraisal"]["anomalies"] for item in evidence] == [[]] * len(evidence)
    events = everything(exporter, f"{path}/events")
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    # That others were answered first is the daily life of several processes, and nothing to report.
    expected = {"agent.started", "trust.updated", "entitlement.accepted", "vendor.event"}
    assert {event["type"] for event in events} <= expected
    return [(e["data"]["who"], e["data"]["number"]) for e in events if e["type"] == "vendor.event"]


def everything(exporter: Exporter, path: str) -> list[Any]:
    items, cursor = [], ""
    while cursor is not None:
        page = exporter.get(f"{path}?limit=200{cursor and f'&cursor={cursor}'}")
        items += page["items"]
        cursor = page["next"]
    return items


def test_four_processes_report_at_once(exporter: Exporter, folder: Path) -> None:
    workers = [begin(folder, f"worker {number}", 4) for number in range(4)]
    for worker in workers:
        worker.communicate(timeout=90)
    assert [worker.returncode for worker in workers] == [0] * 4
    last = Reporter(folder)
    assert last.exchange.sync().unreported == 0
    last.store.close()
    assert sorted(reported(exporter)) == [(f"worker {number}", n) for number in range(4) for n in range(4)]


def test_processes_that_are_killed_at_any_moment_lose_nothing_and_fork_nothing(
    exporter: Exporter, folder: Path
) -> None:
    noted: list[tuple[str, int]] = []
    for round_ in range(4):
        workers = [begin(folder, f"worker {round_}.{number}", 10_000) for number in range(2)]
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()
        time.sleep(0.11 * (round_ + 1))
        for number, worker in enumerate(workers):
            worker.kill()
            lines, _ = worker.communicate(timeout=30)
            noted += [(f"worker {round_}.{number}", n) for n in range(1 + len(lines.split()))]
    last = Reporter(folder)
    assert last.exchange.sync().unreported == 0
    last.store.close()
    found = reported(exporter)
    assert len(set(found)) == len(found)
    assert set(noted) <= set(found)
