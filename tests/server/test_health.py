"""Alive, fit to serve, and figures to watch."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.jobs import Job, Runner
from tests.server.exporter import Exporter


def test_a_server_that_is_fit_says_so(exporter: Exporter) -> None:
    assert exporter.get("/healthz", None) == {"status": "alive"}
    exporter.settle()
    ready = exporter.get("/readyz", None)
    assert (ready["status"], ready["migrated"], ready["signs"], ready["failing_jobs"]) == ("ready", True, True, [])


def test_a_schema_of_another_version_is_not_fit(exporter: Exporter) -> None:
    with exporter.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = exporter.ask("GET", "/readyz", None)
    assert (answer.status_code, answer.json()["code"], answer.json()["migrated"]) == (503, "server.not_ready", False)
    assert answer.headers["Retry-After"]
    assert exporter.ask("GET", "/healthz", None).status_code == 200


def test_a_sequencer_that_lags_is_not_fit(exporter: Exporter) -> None:
    exporter.post("/v1/parties", {"name": "Parks", "country": "FR"})
    with exporter.database.write() as session:
        session.execute(text("UPDATE log_entry SET time = time - 100 WHERE position IS NULL"))
    answer = exporter.ask("GET", "/readyz", None)
    assert (answer.status_code, answer.json()["sequencer_lag_s"] >= 100) == (503, True)
    assert "interlock_sequencer_lag_seconds 1" in exporter.ask("GET", "/metrics", None).text
    exporter.settle()
    assert exporter.ask("GET", "/readyz", None).status_code == 200


def test_a_job_that_fails_is_told_until_it_works_again_and_stops_no_other(exporter: Exporter) -> None:
    broken, done = [True], []

    def fails(session: Session, now: int) -> int | None:
        session.execute(text("UPDATE party SET name = 'half done'"))
        if broken[0]:
            raise RuntimeError("broken")
        return None

    def works(session: Session, now: int) -> int | None:
        done.append(now)
        return None

    runner = Runner(exporter.database, (Job("breaks", fails), Job("works", works)))
    exporter.app.state.runner = runner
    now = clock.now()
    assert runner.run_once(now) == now + 5
    assert done == [now]
    answer = exporter.ask("GET", "/readyz", None)
    assert (answer.status_code, answer.json()["failing_jobs"]) == (503, ["breaks"])
    assert exporter.get(f"/v1/parties/{exporter.end_user}")["name"] == "Ministry of Parks"
    broken[0] = False
    assert runner.run_once(now + 5) is None
    assert exporter.ask("GET", "/readyz", None).status_code == 200


def test_figures_name_patterns_and_never_ids(sqlite_exporter: Exporter) -> None:
    device = sqlite_exporter.device()
    sqlite_exporter.get(f"/v1/devices/{device.id}")
    sqlite_exporter.ask("GET", f"/v1/devices/{device.id}/nothing")
    figures = sqlite_exporter.ask("GET", "/metrics", None).text
    assert 'interlock_requests_total{method="GET",route="/v1/devices/{device}",status="200"}' in figures
    assert 'route="unmatched",status="404"' in figures
    assert 'interlock_request_seconds_count{method="POST",route="/v1/enrollments"}' in figures
    assert device.id not in figures
    assert sqlite_exporter.end_user not in figures


def test_an_invented_method_makes_no_series_of_its_own(sqlite_exporter: Exporter) -> None:
    assert sqlite_exporter.ask("INVENTED", "/healthz", None).status_code == 405
    figures = sqlite_exporter.ask("GET", "/metrics", None).text
    assert "INVENTED" not in figures
    assert 'method="other"' in figures


def test_settings_come_from_the_environment_and_each_is_described(tmp_path: Path) -> None:
    for name, setting in Settings.model_fields.items():
        assert setting.description, name
    # The environment of this process has none of ours, or these tests would not be what they seem.
    assert Settings(data_dir=tmp_path).url == f"sqlite:///{tmp_path / 'interlock.db'}"
