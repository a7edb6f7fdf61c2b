"""Background work: each job's step runs in one transaction, under one lock for its name over all processes."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from licensing_server import clock
from licensing_server.database import Database

_log = structlog.get_logger("interlock.jobs")
_LONGEST_WAIT_S = 30.0
_AFTER_FAILURE_S = 5


@dataclass(frozen=True, slots=True)
class Job:
    """``step`` does what is due and returns the instant (seconds) at which more is due, ``None`` for after a commit."""

    name: str
    step: Callable[[Session, int], int | None]


class Runner:
    """Runs all jobs in their order whenever a commit wakes it or a job is due."""

    def __init__(self, database: Database, jobs: Sequence[Job]) -> None:
        self._database = database
        self._jobs = jobs
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self.failures: dict[str, str] = {}

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the present step and stop."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=10)

    def wake(self) -> None:
        """Say that something was committed."""
        self._wake.set()

    def run_once(self, now: int) -> int | None:
        """Run every job once; return the earliest instant at which one is due again."""
        due = [instant for job in self._jobs if (instant := self._step(job, now)) is not None]
        return min(due, default=None)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            due = self.run_once(clock.now())
            wait = _LONGEST_WAIT_S if due is None else max(0.05, min(_LONGEST_WAIT_S, due - clock.now()))
            self._wake.wait(wait)

    def _step(self, job: Job, now: int) -> int | None:
        try:
            with self._only_one(job.name) as ours:
                if not ours:
                    return now + _AFTER_FAILURE_S
                with self._database.write() as session:
                    due = job.step(session, now)
        except Exception as error:  # one failing job must not stop the others
            self.failures[job.name] = type(error).__name__
            _log.exception("job failed", job=job.name)
            return now + _AFTER_FAILURE_S
        self.failures.pop(job.name, None)
        return due

    @contextmanager
    def _only_one(self, name: str) -> Iterator[bool]:
        if self._database.is_sqlite:
            # BEGIN IMMEDIATE already lets one writer in at a time.
            yield True
            return
        key = zlib.crc32(name.encode("ascii"))
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            ours = bool(connection.scalar(text("SELECT pg_try_advisory_lock(1230262348, :key)"), {"key": key - 2**31}))
            try:
                yield ours
            finally:
                if ours:
                    connection.execute(text("SELECT pg_advisory_unlock(1230262348, :key)"), {"key": key - 2**31})
