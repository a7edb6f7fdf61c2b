"""Background work: each job's step runs in one transaction, under one lock for its name over all processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from licensing_server import clock
from licensing_server.database import Database

_log = structlog.get_logger("interlock.jobs")
_LONGEST_WAIT_S = 30.0
_SHORTEST_WAIT_S = 0.02
_AFTER_FAILURE_S = 5
ELSEWHERE_S = 1
"""Seconds after which work that another process has in hand is looked at again: that process may have ended."""


def _always(_session: Session, now: int) -> int:
    return now


class Work(Protocol):
    """Anything that is done in the background."""

    @property
    def name(self) -> str:
        """What it is called in the log."""
        ...

    @property
    def pace_s(self) -> int:
        """Seconds between two runs of one process, however many commits there are; 0 where none should wait."""
        ...

    def run(self, database: Database, now: int) -> int | None:
        """Do what is due; return the instant (seconds) at which more is due, ``None`` for after a commit."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """Work in one transaction. ``step`` returns what :meth:`Work.run` returns.

    ``look`` tells the same beforehand and changes nothing: most commits concern none but one or two of all jobs, and to
    look is cheaper than to hold a lock and the database's only writer.
    """

    name: str
    step: Callable[[Session, int], int | None]
    look: Callable[[Session, int], int | None] = _always
    pace_s: int = 0

    def run(self, database: Database, now: int) -> int | None:
        """Do what is due, unless another process does it in this moment."""
        with database.read() as session:
            due = self.look(session, now)
        if due is None or due > now:
            return due
        with database.write_alone(self.name) as session:
            return now + ELSEWHERE_S if session is None else self.step(session, now)


class Runner:
    """Runs all jobs in their order whenever a commit wakes it or a job is due."""

    def __init__(self, database: Database, jobs: Sequence[Work]) -> None:
        self._database = database
        self._jobs = jobs
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        # By their places, for one may stand in two.
        self._ran_at: dict[int, int] = {}
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
        """Run every job once, whatever its pace; return the earliest instant at which one is due again."""
        return min((due for job in self._jobs if (due := self._do(job, now)) is not None), default=None)

    def run_paced(self, now: int) -> int | None:
        """As :meth:`run_once`, without those that ran a moment ago and pace themselves."""
        resting, ready = list[int](), list[Work]()
        for place, job in enumerate(self._jobs):
            ran_at = self._ran_at.get(place, now - job.pace_s)
            # A clock that was set back must not hold anything up.
            if ran_at <= now < ran_at + job.pace_s:
                resting.append(ran_at + job.pace_s)
            else:
                self._ran_at[place] = now
                ready.append(job)
        done = (due for job in ready if (due := self._do(job, now)) is not None)
        return min(chain(resting, done), default=None)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            due = self.run_paced(clock.now())
            # To the fraction of a second: what is due at the next full one is due there, not up to a second later.
            wait = _LONGEST_WAIT_S if due is None else clock.seconds_until(due)
            self._wake.wait(max(_SHORTEST_WAIT_S, min(_LONGEST_WAIT_S, wait)))

    def _do(self, job: Work, now: int) -> int | None:
        try:
            due = job.run(self._database, now)
        except Exception as error:  # one failing job must not stop the others
            self.failures[job.name] = type(error).__name__
            _log.exception("job failed", job=job.name)
            return now + _AFTER_FAILURE_S
        self.failures.pop(job.name, None)
        return due
