"""Whatever is sent, the answer is a problem with a stable code, and nothing is stored half."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from httpx2 import Response
from sqlalchemy import text
from starlette.testclient import TestClient

from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.web import Role, public
from tests.server.exporter import Exporter

PARTY = {"name": "Parks", "country": "FR"}
LIMIT = 100_000


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Exporter]:
    """A server with low limits."""
    exporter = Exporter.begin(Settings(data_dir=tmp_path / "data", body_limit=LIMIT, address_rate=30))
    yield exporter
    exporter.end()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "json.syntax"),
        (b"", "request.malformed"),
        (b"null", "request.malformed"),
        (b"[" * 10_000, "json.depth"),
        (b'{"name":' * 40 + b"1" + b"}" * 40, "json.depth"),
        (b'{"name": "a", "name": "b", "country": "FR"}', "json.duplicate_name"),
        (b'{"name": "\xff", "country": "FR"}', "json.encoding"),
        (b'{"name": "\\ud800", "country": "FR"}', "json.encoding"),
        (b'{"name": "a\\u0000b", "country": "FR"}', "json.nul"),
        (b'{"name": NaN, "country": "FR"}', "json.number"),
        (b'{"name": 99999999999999999999, "country": "FR"}', "json.number"),
        (b'{"name": 1, "country": "FR"}', "request.malformed"),
        (b'{"name": "Parks", "country": "FR", "colour": "red"}', "request.malformed"),
        (b'{"name": "", "country": "FR"}', "request.malformed"),
    ],
)
def test_a_body_that_is_not_right_is_refused(sqlite_exporter: Exporter, body: bytes, code: str) -> None:
    answer = _post(sqlite_exporter, content=body, headers={"Content-Type": "application/json"})
    _is_problem(answer, 422, code)
    assert len(sqlite_exporter.get("/v1/parties")["items"]) == 1


def test_what_was_sent_is_not_repeated(sqlite_exporter: Exporter) -> None:
    answer = _post(sqlite_exporter, json=PARTY | {"country": "a-secret-of-mine"})
    _is_problem(answer, 422, "request.malformed")
    assert answer.json()["errors"][0]["where"] == "body/country"
    assert "a-secret-of-mine" not in answer.text


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"country": "XX"}, "country must be a country's code"),
        ({"country": "EU"}, "country must be a country's code"),
        ({"country": "fr"}, "country must be a country's code"),
        ({"name": ""}, "name must have at least 1 character."),
        ({"name": 1}, "name must be text."),
        ({"role": "friend"}, "role must be 'end-user', 'consignee' or 'intermediary'."),
        ({"colour": "red"}, "colour is not known here."),
    ],
)
def test_what_is_wrong_is_told_in_plain_words(sqlite_exporter: Exporter, change: dict[str, Any], detail: str) -> None:
    answer = _post(sqlite_exporter, json=PARTY | change)
    _is_problem(answer, 422, "request.malformed")
    assert answer.json()["detail"].startswith(detail)


def test_countries_that_borders_are_disputed_of_are_countries(sqlite_exporter: Exporter) -> None:
    for code in ("XK", "TW", "PS", "AQ"):
        assert _post(sqlite_exporter, json=PARTY | {"country": code}).status_code == 201


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/json+x"])
def test_another_media_type_is_refused(sqlite_exporter: Exporter, media_type: str) -> None:
    body = b'{"name": "Parks", "country": "FR"}'
    _is_problem(_post(sqlite_exporter, content=body, headers={"Content-Type": media_type}), 415, "body.type")
    for right in ("application/json", "Application/JSON; charset=utf-8"):
        assert _post(sqlite_exporter, content=body, headers={"Content-Type": right}).status_code == 201


def test_a_body_over_the_limit_is_refused_with_and_without_its_length(narrow: Exporter) -> None:
    body = b'{"name": "' + b"x" * LIMIT + b'"}'
    headers = {"Content-Type": "application/json"}
    _is_problem(_post(narrow, content=body, headers=headers), 413, "body.too_large")

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    _is_problem(_post(narrow, content=pieces(), headers=headers), 413, "body.too_large")
    _is_problem(_post(narrow, content=gzip.compress(body), headers=headers), 422, "json.encoding")
    fitting = _post(narrow, content=b" " * (LIMIT - 40) + b'{"name": "Parks", "country": "FR"}', headers=headers)
    assert fitting.status_code == 201


def test_an_address_is_slowed_down(narrow: Exporter) -> None:
    answers = [narrow.ask("POST", "/v1/devices/some/challenges", None) for _ in range(35)]
    assert [answer.status_code for answer in answers[:20]] == [200] * 20
    _is_problem(answers[-1], 429, "rate.exceeded")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3
    # People and their tools are not devices: they go on.
    assert narrow.ask("GET", "/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "route.unknown"),
        ("GET", "/v1/devices/%00", 422, "request.malformed"),
        ("GET", "/v1/log/entries/minus", 422, "request.malformed"),
        ("GET", "/v1/log/entries?type=%00", 200, None),
        ("GET", "/v1/log/entries?limit=201", 422, "request.malformed"),
        ("GET", "/v1/log/entries?cursor=%25", 422, "page.cursor"),
        ("GET", "/v1/log/entries?cursor=WyJhIl0", 422, "page.cursor"),
        ("GET", "/v1/status/0", 422, "request.malformed"),
        ("GET", "/v1/status/7", 404, "status_list.unknown"),
        ("GET", "/v1/trust/9.root.json", 404, "root.unknown"),
        ("PATCH", "/v1/parties", 405, "route.method"),
    ],
)
def test_a_path_or_query_that_is_not_right_is_refused(
    exporter: Exporter, method: str, path: str, status: int, code: str | None
) -> None:
    answer = exporter.ask(method, path, Role.AUDITOR)
    if code is None:
        assert answer.status_code in {status, 422}
    else:
        _is_problem(answer, status, code)
    if status == 405:
        assert answer.headers["Allow"]


def test_a_failure_inside_is_a_problem_without_its_cause(tmp_path: Path) -> None:
    exporter = Exporter.begin(Settings(data_dir=tmp_path / "data"))
    router = APIRouter()

    @router.get("/v1/broken", dependencies=[public("a failure made for this test")])
    def broken() -> None:
        raise RuntimeError("the password is swordfish")

    exporter.app.include_router(router)
    answer = exporter.ask("GET", "/v1/broken", None)
    exporter.end()
    _is_problem(answer, 500, "server.failed")
    assert "swordfish" not in answer.text
    assert "RuntimeError" not in answer.text


def test_a_database_that_fails_is_a_problem_to_come_back_for(exporter: Exporter) -> None:
    with exporter.database.write() as session:
        session.execute(text("DROP TABLE device_tag"))
    with exporter.database.read() as session:
        session.execute(text("SELECT 1"))
    answer = exporter.ask("GET", "/v1/devices?tag=x")
    assert answer.status_code in {500, 503}
    _is_problem(answer, answer.status_code, answer.json()["code"])
    assert "device_tag" not in answer.text
    assert exporter.ask("GET", "/v1/me").status_code == 200


def test_every_answer_has_a_request_id(sqlite_exporter: Exporter) -> None:
    given = sqlite_exporter.ask("GET", "/v1/me", headers={"X-Request-Id": "given-by-me-1"})
    assert given.headers["x-request-id"] == "given-by-me-1"
    for odd in ("short", "has spaces in it", "x" * 65, "<script>alert(1)</script>"):
        answer = sqlite_exporter.ask("GET", "/v1/nothing", headers={"X-Request-Id": odd})
        assert answer.headers["x-request-id"] != odd
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_key_for_an_idempotent_request_is_held_to(exporter: Exporter) -> None:
    headers = {"Idempotency-Key": "party-1"}
    first, again = (_post(exporter, json=PARTY, headers=headers) for _ in range(2))
    assert (first.status_code, first.text, first.headers["ETag"]) == (201, again.text, again.headers["ETag"])
    assert len(exporter.get("/v1/parties")["items"]) == 2
    _is_problem(_post(exporter, json=PARTY | {"country": "DE"}, headers=headers), 409, "idempotency.reused")
    order = exporter.ask("POST", "/v1/orders", json={}, headers=headers)
    _is_problem(order, 422, "request.malformed")
    for wrong in ("", "x" * 201):
        _is_problem(_post(exporter, json=PARTY, headers={"Idempotency-Key": wrong}), 422, "idempotency.key")
    # A refused request leaves the key free, and another person's key is another key.
    stale = {"Idempotency-Key": "edit-1", "If-Match": '"9"'}
    path = f"/v1/parties/{exporter.end_user}"
    _is_problem(exporter.ask("PUT", path, json=PARTY, headers=stale), 412, "edit.conflict")
    assert exporter.ask("PUT", path, json=PARTY, headers=stale | {"If-Match": '"1"'}).status_code == 200
    person = {"name": "Eve", "roles": []}
    assert exporter.ask("POST", "/v1/people", Role.ADMINISTRATOR, json=person, headers=headers).status_code == 201


def test_an_edit_names_the_version_that_it_edits(exporter: Exporter) -> None:
    path = f"/v1/parties/{exporter.end_user}"
    etag = exporter.ask("GET", path).headers["ETag"]
    for wrong in ({}, {"If-Match": "*"}, {"If-Match": "1"}, {"If-Match": 'W/"1"'}):
        _is_problem(exporter.ask("PUT", path, json=PARTY, headers=wrong), 428, "edit.no_version")
    edited = exporter.ask("PUT", path, json=PARTY | {"name": "Rivers"}, headers={"If-Match": etag})
    assert (edited.status_code, edited.json()["name"]) == (200, "Rivers")
    _is_problem(exporter.ask("PUT", path, json=PARTY, headers={"If-Match": etag}), 412, "edit.conflict")
    assert exporter.get(path)["name"] == "Rivers"


def test_an_answer_is_not_kept_by_anybody_between(sqlite_exporter: Exporter) -> None:
    assert _post(sqlite_exporter, json=PARTY).headers["Cache-Control"] == "no-store"
    assert sqlite_exporter.ask("GET", "/v1/me").headers["x-content-type-options"] == "nosniff"


def test_a_sender_who_goes_away_in_the_middle_leaves_nothing(sqlite_exporter: Exporter) -> None:
    sent: list[Any] = []
    messages = iter(
        [{"type": "http.request", "body": b'{"name": "Parks", "country": "FR"}', "more_body": True},
         {"type": "http.disconnect"}]
    )  # fmt: skip

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    token = sqlite_exporter.tokens[Role.COMPLIANCE]
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]
    scope = {
        "type": "http", "method": "POST", "path": "/v1/parties", "raw_path": b"/v1/parties", "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "scheme": "http",
        "http_version": "1.1", "asgi": {"version": "3.0"}, "root_path": "",
    }  # fmt: skip
    client = sqlite_exporter.client
    assert isinstance(client, TestClient)
    assert client.portal is not None
    client.portal.call(sqlite_exporter.app, scope, receive, send)
    assert sent == []
    assert len(sqlite_exporter.get("/v1/parties")["items"]) == 1
    assert clock.now() > 0


def _post(exporter: Exporter, **options: Any) -> Response:
    return exporter.ask("POST", "/v1/parties", **options)


def _is_problem(answer: Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:interlock:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
