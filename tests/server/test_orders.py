"""Suspending, revoking, reinstating, quarantines: reasons, bits, notices, confirmation by evidence."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from licensing_protocol.canonical import to_base64url
from licensing_protocol.log.merkle import leaf_hash, root_hash
from licensing_protocol.status_list import Status, StatusList
from licensing_server import clock
from licensing_server.web import Role
from tests.server.acts import REASON
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.simulators.device import SimulatedDevice


def test_a_suspension_is_listed_noticed_confirmed_and_undone(exporter: Exporter) -> None:
    device = exporter.device()
    order = exporter.order("suspend", scope=_scope(device))
    assert _statuses(exporter, device) == {CAPABILITY: Status.SUSPENDED, "av.record": Status.VALID}
    # A list from before the order confirms nothing.
    answer = exporter.check_in(device, status=dict.fromkeys(exporter.lists(device), 1))
    assert _confirmed(exporter, order) is False
    (notice,) = answer["notices"]
    for told in (CAPABILITY, order["id"], "Reported by two journalists", exporter.settings.appeal):
        assert told in notice
    exporter.check_in(device, status=exporter.lists(device))
    assert _confirmed(exporter, order) is True

    undone = exporter.order("reinstate", undoes=order["id"])
    assert exporter.get(f"/v1/orders/{order['id']}")["undone_by"] == undone["id"]
    assert set(_statuses(exporter, device).values()) == {Status.VALID}
    assert exporter.check_in(device)["notices"] == []


def test_a_revocation_is_final_for_its_grants_and_undone_by_a_new_version(exporter: Exporter) -> None:
    device = exporter.device()
    order = exporter.order("revoke", scope=_scope(device))
    revoked = device.entitlement
    exporter.order("reinstate", undoes=order["id"])
    assert _statuses(exporter, device)[CAPABILITY] is Status.INVALID
    exporter.check_in(device)
    assert device.entitlement != revoked
    assert set(_statuses(exporter, device).values()) == {Status.VALID}


def test_what_another_order_forbids_stays_forbidden(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.fork(device)
    suspension = exporter.order("suspend", scope=_scope(device))
    (quarantine,) = [order for order in _orders(exporter, device) if order["kind"] == "quarantine"]
    assert set(_statuses(exporter, device).values()) == {Status.SUSPENDED}
    exporter.order("reinstate", undoes=quarantine["id"])
    assert _statuses(exporter, device) == {CAPABILITY: Status.SUSPENDED, "av.record": Status.VALID}
    exporter.order("reinstate", undoes=suspension["id"])
    assert set(_statuses(exporter, device).values()) == {Status.VALID}


def test_orders_in_conflict_are_refused(exporter: Exporter) -> None:
    device = exporter.device()
    first = exporter.order("suspend", scope=_scope(device))
    undone = exporter.order("reinstate", undoes=first["id"])
    again = exporter.order("suspend", scope=_scope(device))
    for body, status, code in (
        ({"kind": "suspend", "scope": _scope(device)}, 409, "order.in_force"),
        ({"kind": "reinstate", "undoes": first["id"]}, 409, "order.undone"),
        ({"kind": "reinstate", "undoes": undone["id"]}, 409, "order.cannot_undo"),
        ({"kind": "reinstate", "undoes": "order_none"}, 404, "order.unknown"),
        ({"kind": "revoke", "scope": {"device": "nobody", "capability": CAPABILITY}}, 404, "device.unknown"),
        ({"kind": "revoke", "scope": {"device": device.id, "capability": "uav.swarm"}}, 422, "order.matches_nothing"),
        ({"kind": "quarantine", "scope": _scope(device)}, 422, "request.malformed"),
        ({"kind": "revoke", "undoes": again["id"]}, 422, "request.malformed"),
        ({"kind": "reinstate", "scope": _scope(device)}, 422, "request.malformed"),
    ):
        refused = exporter.ask("POST", "/v1/orders", json=body | REASON)
        assert (refused.status_code, refused.json()["code"]) == (status, code), body
    assert exporter.ask("POST", f"/v1/orders/{again['id']}/confirmation").json()["code"] == "order.not_waiting"
    assert len(_orders(exporter, device)) == 3


@pytest.mark.parametrize(
    "reason",
    [
        {},
        {"reason_code": "misuse_reported"},
        {"reason_code": "because", "reason_text": "Reported by two journalists."},
        {"reason_code": "misuse_reported", "reason_text": "bad       "},
        {"reason_code": "misuse_reported", "reason_text": "x" * 2001},
    ],
)
def test_an_order_without_a_reason_is_refused(sqlite_exporter: Exporter, reason: dict[str, str]) -> None:
    device = sqlite_exporter.device()
    refused = sqlite_exporter.ask("POST", "/v1/orders", json={"kind": "revoke", "scope": _scope(device)} | reason)
    assert (refused.status_code, refused.json()["code"]) == (422, "request.malformed")
    assert _orders(sqlite_exporter, device) == []


def test_the_same_order_at_once_is_placed_once(exporter: Exporter) -> None:
    device = exporter.device()
    body = {"kind": "suspend", "scope": _scope(device)} | REASON
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: exporter.ask("POST", "/v1/orders", json=body), range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert len(_orders(exporter, device)) == 1


def test_the_log_commits_to_exactly_the_bits_that_an_order_changes(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    exporter.post(f"/v1/devices/{device.id}/entitlements/renewal")
    order = exporter.order("revoke", scope=_scope(device))
    grants = [
        version["claims"]["grants"][CAPABILITY]["status"]
        for version in exporter.all(f"/v1/devices/{device.id}/entitlements")
    ]
    names = sorted(f"{status['uri']}#{status['idx']}".encode() for status in grants)
    placed, force = exporter.get(f"/v1/log/entries?subject={order['id']}", Role.AUDITOR)["items"]
    assert force["data"]["count"] == len(names) == 2
    assert force["data"]["root"] == to_base64url(root_hash([leaf_hash(name) for name in names]))
    assert placed["data"]["scope"] == {"device": device.id, "capability": CAPABILITY}


def test_a_quarantine_lapses_unless_a_person_confirms_it(exporter: Exporter) -> None:
    plan = PLAN | {"valid_for": 30 * 86_400}
    lapsing, confirmed = exporter.device(plan), exporter.device(plan)
    for device in (lapsing, confirmed):
        exporter.fork(device)
        assert set(_statuses(exporter, device).values()) == {Status.SUSPENDED}
    (order,) = _orders(exporter, confirmed)
    assert exporter.post(f"/v1/orders/{order['id']}/confirmation")["confirmed_by"] == exporter.people[Role.COMPLIANCE]
    hours = exporter.settings.quarantine_hours * 3600
    exporter.settle(clock.now() + hours - 60)
    assert set(_statuses(exporter, lapsing).values()) == {Status.SUSPENDED}
    exporter.settle(clock.now() + hours + 60)
    exporter.settle(clock.now() + hours + 120)
    assert set(_statuses(exporter, lapsing).values()) == {Status.VALID}
    assert set(_statuses(exporter, confirmed).values()) == {Status.SUSPENDED}
    kinds = {(order["kind"], order["reason_code"], order["actor"]) for order in _orders(exporter, lapsing)}
    assert kinds == {("quarantine", "continuity", "system"), ("reinstate", "lapsed", "system")}


def test_a_clock_that_was_ahead_once_holds_no_revocation_back(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.settle(clock.now() + 7200)
    exporter.order("revoke", scope=_scope(device))
    assert _statuses(exporter, device)[CAPABILITY] is Status.INVALID


def test_a_quarantine_whose_cause_comes_again_lapses_later(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.fork(device)
    (order,) = _orders(exporter, device)
    with exporter.database.write() as session:
        session.execute(text('UPDATE "order" SET lapses_at = lapses_at - 3600'))
    exporter.fork(device)
    (again,) = _orders(exporter, device)
    assert again["id"] == order["id"]
    assert again["lapses_at"] >= order["lapses_at"]
    entries = exporter.get(f"/v1/log/entries?subject={order['id']}", Role.AUDITOR)["items"]
    types = [entry["type"] for entry in entries]
    # Once or twice: each of the two reports is a new fork, perhaps in another second.
    assert types[:3] == ["order.placed", "order.in_force", "order.prolonged"]


def test_orders_are_read_with_what_devices_know_of_them(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device, other = exporter.device(), exporter.device()
    order = exporter.order("suspend", scope=_scope(device))
    exporter.order("revoke", scope=_scope(other))
    assert [found["id"] for found in _orders(exporter, device)] == [order["id"]]
    assert len(exporter.get("/v1/orders", Role.AUDITOR)["items"]) == 2
    read = exporter.get(f"/v1/orders/{order['id']}", Role.APPROVER)
    assert read["targets"] == [{"device": device.id, "capability": CAPABILITY, "confirmed_at": None}]
    assert (read["reason_text"], read["actor"]) == (REASON["reason_text"], exporter.people[Role.COMPLIANCE])
    assert exporter.ask("GET", "/v1/orders/none").json()["code"] == "order.unknown"


def _scope(device: SimulatedDevice) -> dict[str, str]:
    return {"device": device.id, "capability": CAPABILITY}


def _orders(exporter: Exporter, device: SimulatedDevice) -> list[Any]:
    return exporter.all(f"/v1/orders?device={device.id}")


def _confirmed(exporter: Exporter, order: dict[str, Any]) -> bool:
    (target,) = exporter.get(f"/v1/orders/{order['id']}")["targets"]
    return target["confirmed_at"] is not None


def _statuses(exporter: Exporter, device: SimulatedDevice) -> dict[str, Status]:
    assert device.entitlement is not None
    grants = device.entitlement["grants"]
    lists = {uri: StatusList.parse(exporter.status_list(uri)) for uri in exporter.lists(device)}
    return {name: lists[grant["status"]["uri"]].status(grant["status"]["idx"]) for name, grant in grants.items()}
