"""What is kept of an idempotent answer: nothing that opens without the asker's own token."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import text

from licensing_server.web import Role
from tests.server.exporter import PLAN, Exporter


def test_a_secret_in_a_kept_answer_does_not_lie_open(exporter: Exporter) -> None:
    first, again = (_new_token(exporter, "once") for _ in range(2))
    assert first.status_code == 201
    assert first.text == again.text
    with exporter.database.read() as session:
        (kept,) = session.scalars(text("SELECT body FROM idempotent_answer")).all()
    assert first.json()["token"] not in kept


def test_another_token_of_the_same_person_learns_only_that_it_was_done(exporter: Exporter) -> None:
    assert _new_token(exporter, "once").status_code == 201
    person = exporter.people[Role.COMPLIANCE]
    exporter.tokens[Role.COMPLIANCE] = exporter.post(f"/v1/people/{person}/tokens", {}, Role.ADMINISTRATOR)["token"]
    refused = _new_token(exporter, "once")
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency.token")


def test_the_same_request_twice_at_once_is_done_once(exporter: Exporter) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _new_token(exporter, "at once"), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1


def _new_token(exporter: Exporter, key: str) -> Any:
    body = {"product": "camera", "end_user": exporter.end_user, "authorisation": "EX-2026-1", "plan": PLAN}
    return exporter.ask("POST", "/v1/enrolment-tokens", json=body, headers={"Idempotency-Key": key})
