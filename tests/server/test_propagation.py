"""How far an order has come is told by evidence, never by hope; live, by a stream that holds nothing while it waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import text

from licensing_protocol.canonical import decode_object
from licensing_server import clock
from licensing_server.web import Role
from tests.server.counter import Counter
from tests.server.exporter import CAPABILITY, Exporter
from tests.server.fleet import entries, refusal, tag

DAY_S = 86_400
FRESH = {"max_offline": 3 * DAY_S, "max_silent": 9 * DAY_S}
LONG = {"grants": {CAPABILITY: {"freshness": FRESH}, "av.record": {"freshness": FRESH}}, "valid_for": 60 * DAY_S}


def test_devices_are_counted_by_what_is_known_of_them(exporter: Exporter) -> None:
    devices = [exporter.device(LONG) for _ in range(5)]
    order = exporter.order("suspend", scope={"everywhere": True, "capability": CAPABILITY})
    assert _figures(exporter, order) == (5, 0, 0, 0, 5)
    exporter.check_in(devices[0], status=exporter.lists(devices[0]))
    exporter.check_in(devices[1])
    found = _propagation(exporter, order)
    assert (found["confirmed"], found["waiting"], set(found["after_s"])) == (1, 4, {"p50", "p90", "p99", "max"})
    assert found["first_confirmed_at"] == found["last_confirmed_at"] >= found["in_force_at"]
    unheard = exporter.settings.unheard_hours * 3600
    _age(exporter, devices[2].id, unheard + 60)
    assert _figures(exporter, order) == (5, 1, 0, 1, 3)
    _age(exporter, devices[3].id, 9 * DAY_S)
    assert _figures(exporter, order) == (5, 1, 1, 1, 2)
    with exporter.database.write() as session:
        session.execute(text("UPDATE status_change SET sequence = sequence - :s"), {"s": 4 * DAY_S})
    assert _figures(exporter, order) == (5, 1, 4, 0, 0)
    unconfirmed = exporter.all(f"/v1/orders/{order['id']}/targets?confirmed=false")
    assert {target["device"] for target in unconfirmed} == {device.id for device in devices[1:]}


def test_a_reinstatement_is_never_overdue(exporter: Exporter) -> None:
    device = exporter.device(LONG)
    order = exporter.order("suspend", scope={"device": device.id})
    undoing = exporter.order("reinstate", undoes=order["id"])
    _age(exporter, device.id, 20 * DAY_S)
    assert _figures(exporter, order) == (1, 0, 1, 0, 0)
    assert _figures(exporter, undoing) == (1, 0, 0, 1, 0)
    exporter.check_in(device, status=exporter.lists(device))
    assert _figures(exporter, order) == _figures(exporter, undoing) == (1, 1, 0, 0, 0)


def test_an_order_that_changed_no_index_is_confirmed_by_a_newer_version_only(exporter: Exporter) -> None:
    device = exporter.device(LONG)
    first = exporter.order("revoke", scope={"device": device.id, "capability": CAPABILITY})
    exporter.post(f"/v1/devices/{device.id}/entitlements/renewal")
    exporter.check_in(device)
    # The device holds no index of the capability any more, so no list can say anything about this order.
    second = exporter.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
    for _ in range(2):
        exporter.check_in(device, status=exporter.lists(device))
    assert _propagation(exporter, first)["confirmed"] == 1
    assert _propagation(exporter, second)["confirmed"] == 0
    exporter.post(f"/v1/devices/{device.id}/entitlements/renewal")
    for _ in range(2):
        exporter.check_in(device, status=exporter.lists(device))
    assert _propagation(exporter, second)["confirmed"] == 1


def test_a_wide_order_is_confirmed_by_the_devices_own_shard_alone(exporter: Exporter) -> None:
    device = exporter.device(LONG)
    with exporter.database.write() as session:
        session.execute(text("UPDATE shard SET next_index = 1048576"))
    exporter.settle()
    other = exporter.device(LONG)
    assert set(exporter.lists(device)) != set(exporter.lists(other))
    order = exporter.order("suspend", scope={"everywhere": True})
    exporter.check_in(device, status=exporter.lists(device))
    exporter.check_in(other, status=exporter.lists(device))
    assert _figures(exporter, order) == (2, 1, 0, 0, 1)


def test_what_waits_reaches_nobody_yet_and_what_is_not_there_is_refused(sqlite_exporter: Exporter) -> None:
    sqlite_exporter.device()
    scope = {"everywhere": True}
    order = sqlite_exporter.order("suspend", scope=scope, effective_at=clock.now() + DAY_S)
    assert _figures(sqlite_exporter, order) == (0, 0, 0, 0, 0)
    live = {"Accept": "text/event-stream"}
    for headers in ({}, live):
        refused = sqlite_exporter.ask("GET", "/v1/orders/none/propagation", headers=headers)
        assert refusal(refused) == (404, "order.unknown")
    sqlite_exporter.app.state.followers.close()
    refused = sqlite_exporter.ask("GET", f"/v1/orders/{order['id']}/propagation", headers=live)
    assert refusal(refused) == (429, "order.followers")


def test_an_order_is_followed_live_until_it_is_confirmed(tmp_path: Path) -> None:
    with Counter.open(tmp_path) as counter:
        exporter = counter.exporter
        device, other = exporter.device(LONG), exporter.device(LONG)
        order = exporter.order("suspend", scope={"everywhere": True})
        stream = _follow(counter, order)
        assert next(stream)["confirmed"] == 0
        exporter.check_in(device, status=exporter.lists(device))
        exporter.app.state.followers.wake()
        assert next(stream)["confirmed"] == 1
        # What does not change the figures is not told.
        tag(exporter, other, "harbour")
        exporter.app.state.followers.wake()
        exporter.check_in(other, status=exporter.lists(other))
        exporter.app.state.followers.wake()
        assert next(stream)["confirmed"] == 2
        exporter.app.state.followers.close()
        assert list(stream) == []


def test_long_work_tells_how_far_it_is_and_answers_as_without(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.device()
    body = {"kind": "suspend", "scope": {"everywhere": True}, "reason_code": "contract", "reason_text": "It has ended."}
    headers = {"Accept": "application/x-ndjson", "Idempotency-Key": "once"}
    lines, again = (_lines(exporter, body | {"reason_text": "The contract has ended."}, headers) for _ in range(2))
    assert [line["step"] for line in lines[:-1] if line] == ["grants", "log"]
    assert lines[-1]["status"] == 201
    assert lines[-1]["body"]["state"] == "in_force"
    assert again == [lines[-1]] or again[-1] == lines[-1]
    refused = _lines(exporter, body | {"reason_text": "The contract has ended."}, headers | {"Idempotency-Key": "two"})
    assert (refused[-1]["status"], refused[-1]["body"]["code"]) == (409, "order.in_force")
    assert exporter.ask("POST", "/v1/orders", json=body, headers={"Accept": "text/plain"}).status_code == 409
    assert len(entries(exporter, type="order.placed")) == 1


def _lines(exporter: Exporter, body: dict[str, Any], headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = exporter.ask("POST", "/v1/orders", json=body, headers=headers)
    return [decode_object(line.encode()) for line in answer.text.splitlines()]


def _follow(counter: Counter, order: dict[str, Any]) -> Iterator[Any]:
    headers = {
        "Accept": "text/event-stream",
        "Authorization": f"Bearer {counter.exporter.tokens[Role.AUDITOR]}",
    }
    path = f"{counter.address}/v1/orders/{order['id']}/propagation"
    with httpx2.stream("GET", path, headers=headers, timeout=30, trust_env=False) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            if line.startswith("data: "):
                yield decode_object(line.removeprefix("data: ").encode())


def _propagation(exporter: Exporter, order: dict[str, Any]) -> Any:
    return exporter.get(f"/v1/orders/{order['id']}/propagation", Role.AUDITOR)


def _figures(exporter: Exporter, order: dict[str, Any]) -> tuple[int, ...]:
    found = _propagation(exporter, order)
    return tuple(found[name] for name in ("targeted", "confirmed", "overdue", "unreachable", "waiting"))


def _age(exporter: Exporter, device: str, seconds: int) -> None:
    with exporter.database.write() as session:
        values = {"device": device, "seconds": seconds}
        session.execute(text("UPDATE device SET last_seen = last_seen - :seconds WHERE id = :device"), values)
