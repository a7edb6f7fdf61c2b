"""Status lists: signed once a second at most, numbers that only rise, cacheable, and worth waiting for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from httpx2 import Response

from licensing_protocol.status_list import Status, verify
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, Exporter

LIST = "/v1/status/1"
PATIENCE_S = 10.0


@pytest.fixture
def scarce(tmp_path: Path) -> Iterator[Exporter]:
    """A server at which two may wait for a list, and one from each address."""
    exporter = Exporter.begin(Settings(data_dir=tmp_path / "data", waiters=2, waiters_per_address=1))
    exporter.device()
    yield exporter
    exporter.end()


def test_a_list_verifies_and_its_orders_are_in_the_log(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
    root = exporter.trusted()
    assert device.entitlement is not None
    reference = device.entitlement["grants"][CAPABILITY]["status"]
    listed = verify(exporter.ask("GET", LIST, None).text, root, uri=reference["uri"], now=clock.now())
    assert listed.status(reference["idx"]) is Status.SUSPENDED
    (placed,) = exporter.get("/v1/log/entries?type=order.placed", Role.AUDITOR)["items"]
    assert placed["index"] < listed.log.size
    assert (listed.log.origin, listed.ttl) == (exporter.settings.origin, exporter.settings.status_ttl)
    assert listed.expires == listed.issued_at + exporter.settings.status_lifetime


def test_a_list_is_signed_once_a_second_at_most_and_its_number_rises(exporter: Exporter) -> None:
    device = exporter.device()
    run = exporter.app.state.runner.run_once
    start = clock.now() + 100
    seen = []
    for second, capability in ((0, CAPABILITY), (0, "av.record"), (1, None), (1, None), (2, None)):
        if capability is not None:
            scope = {"device": device.id, "capability": capability}
            exporter.ask("POST", "/v1/orders", json=_order(scope))
        for _ in range(2):
            run(start + second)
        with exporter.database.read() as session:
            exporter.app.state.board.refresh(session)
        claims = exporter.status_list(_uri(exporter))
        seen.append((claims["iat"], claims["seq"]))
    assert [iat - start for iat, _ in seen] == [0, 0, 1, 1, 1]
    assert [seq for _, seq in seen] == sorted(seq for _, seq in seen)
    assert all(seq >= iat for iat, seq in seen)
    run(start + exporter.settings.status_resign + 1)
    with exporter.database.read() as session:
        exporter.app.state.board.refresh(session)
    fresh = exporter.status_list(_uri(exporter))
    assert fresh["iat"] == start + exporter.settings.status_resign + 1
    assert fresh["seq"] > seen[-1][1]


def test_a_list_can_be_cached_and_compressed(sqlite_exporter: Exporter) -> None:
    sqlite_exporter.device()
    plain = _get(sqlite_exporter, {"Accept-Encoding": "identity"})
    assert plain.headers["content-type"] == "application/statuslist+jwt"
    assert plain.headers["cache-control"] == f"public, max-age={sqlite_exporter.settings.status_ttl}"
    assert {word.strip() for word in plain.headers["vary"].split(",")} == {"Prefer", "Accept-Encoding"}
    assert "content-encoding" not in plain.headers
    packed = _get(sqlite_exporter, {"Accept-Encoding": "br, gzip;q=0.5"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert "content-encoding" not in _get(sqlite_exporter, {"Accept-Encoding": "gzip;q=0"}).headers
    for known in (plain.headers["etag"], f'"x", {plain.headers["etag"]}'):
        unchanged = _get(sqlite_exporter, {"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["etag"] == plain.headers["etag"]
    assert _get(sqlite_exporter, {"If-None-Match": '"another"'}).status_code == 200


def test_who_waits_is_answered_when_a_list_is_committed(exporter: Exporter) -> None:
    device = exporter.device()
    etag = _get(exporter).headers["etag"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_get, exporter, _wait(etag, 50))
        _until_waiting(exporter, 1)
        started = time.monotonic()
        exporter.ask("POST", "/v1/orders", json=_order({"device": device.id, "capability": CAPABILITY}))
        exporter.app.state.runner.run_once(clock.now() + 50)
        exporter.app.state.runner.run_once(clock.now() + 52)
        answer = waiting.result(timeout=PATIENCE_S)
    assert time.monotonic() - started < PATIENCE_S
    assert answer.status_code == 200
    assert answer.headers["etag"] != etag
    _until_waiting(exporter, 0)


def test_nobody_waits_for_what_is_there_or_longer_than_asked(scarce: Exporter) -> None:
    etag = _get(scarce).headers["etag"]
    started = time.monotonic()
    assert _get(scarce, {"Prefer": "wait=50"}).status_code == 200
    assert _get(scarce, _wait('W/"older"', 50)).status_code == 200
    assert _get(scarce, {"If-None-Match": etag, "Prefer": "respond-async"}).status_code == 304
    assert time.monotonic() - started < PATIENCE_S
    assert _get(scarce, _wait(etag, 1)).status_code == 304
    assert time.monotonic() - started >= 1


def test_over_the_cap_the_answer_comes_at_once(scarce: Exporter) -> None:
    etag = _get(scarce).headers["etag"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_get, scarce, _wait(etag, 3))
        _until_waiting(scarce, 1)
        assert _get(scarce, _wait(etag, 50)).status_code == 304
        assert not waiting.done()
        assert waiting.result(timeout=PATIENCE_S).status_code == 304


def test_waiting_holds_neither_thread_nor_connection(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.device()
    etag = _get(exporter).headers["etag"]
    # More than there are workers or connections.
    pool_size = 40
    with ThreadPoolExecutor(pool_size) as pool:
        waiting = [pool.submit(_get, exporter, _wait(etag, 3)) for _ in range(pool_size)]
        _until_waiting(exporter, pool_size)
        assert exporter.ask("GET", "/v1/me").status_code == 200
        assert {each.result(timeout=PATIENCE_S).status_code for each in waiting} == {304}


def _uri(exporter: Exporter) -> str:
    return f"{exporter.settings.public_url}{LIST}"


def _get(exporter: Exporter, headers: dict[str, str] | None = None) -> Response:
    return exporter.ask("GET", LIST, None, headers=headers or {})


def _wait(etag: str, seconds: int) -> dict[str, str]:
    return {"If-None-Match": etag, "Prefer": f"respond-async, wait={seconds}"}


def _order(scope: dict[str, str]) -> dict[str, object]:
    return {"kind": "suspend", "scope": scope, "reason_code": "contract", "reason_text": "The contract has ended."}


def _until_waiting(exporter: Exporter, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    figure = f"interlock_status_waiters {count}.0"
    while figure not in exporter.ask("GET", "/metrics", None).text:
        assert time.monotonic() < deadline
        time.sleep(0.02)
