"""When background work runs: what a commit does not concern costs a look, and some of it paces itself."""

from __future__ import annotations

from sqlalchemy.orm import Session

from licensing_server.jobs import Job, Runner
from tests.server.exporter import Exporter


def test_a_job_with_a_pace_rests_between_runs_but_not_because_the_clock_was_set_back(exporter: Exporter) -> None:
    ran = list[int]()

    def step(session: Session, now: int) -> int | None:
        ran.append(now)
        return None

    runner = Runner(exporter.database, (Job("paced", step, pace_s=2),))
    assert [runner.run_paced(now) for now in (100, 101, 102, 50)] == [None, 102, None, None]
    assert ran == [100, 102, 50]
    runner.run_once(50)
    assert ran[-2:] == [50, 50]


def test_a_job_does_nothing_before_it_sees_that_something_is_due(exporter: Exporter) -> None:
    ran = list[int]()

    def step(session: Session, now: int) -> int | None:
        ran.append(now)
        return None

    runner = Runner(
        exporter.database, (Job("later", step, lambda session, now: 20), Job("idle", step, lambda *_: None))
    )
    assert runner.run_once(10) == 20
    assert ran == []
    assert runner.run_once(20) is None
    assert ran == [20]
