"""An order reaches exactly whom its scope names, and says so beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from licensing_protocol.status_list import Status
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.server.fleet import BOTH, ask_order, device_of, entries, party, refusal, statuses, tag, usable
from tests.simulators.device import SimulatedDevice


class Fleet:
    """Two devices in France, one of them tagged and on another release; one in Kenya, made with a proviso."""

    def __init__(self, exporter: Exporter) -> None:
        self.exporter = exporter
        self.proviso = exporter.post("/v1/provisos", {"name": "Two", "limits": {"operators": {"distinct": 2}}})["id"]
        self.kenya = party(exporter, "KE")
        self.first = exporter.device()
        manifest, exporter.manifest = exporter.manifest, exporter.release("2.0")["manifest"]
        self.second = exporter.device()
        exporter.manifest = manifest
        bound = PLAN | {"grants": {CAPABILITY: {"provisos": [self.proviso]}, "av.record": {}}}
        self.third = device_of(exporter, self.kenya, bound)
        tag(exporter, self.second, "harbour")

    def untouched(self) -> dict[str, set[str]]:
        """Return what each device may still do."""
        devices = {"first": self.first, "second": self.second, "third": self.third}
        return {name: usable(self.exporter, device) for name, device in devices.items()}


@pytest.fixture
def fleet(exporter: Exporter) -> Fleet:
    return Fleet(exporter)


def test_every_member_of_a_scope_narrows_it_and_a_preview_tells_so_beforehand(fleet: Fleet) -> None:
    exporter = fleet.exporter
    cases: list[tuple[dict[str, Any], dict[str, set[str]]]] = [
        ({"device": fleet.first.id}, {"first": set()}),
        ({"end_user": fleet.kenya}, {"third": set()}),
        ({"country": "FR"}, {"first": set(), "second": set()}),
        ({"product": "camera"}, {"first": set(), "second": set(), "third": set()}),
        ({"product": "camera", "release": "2.0"}, {"second": set()}),
        ({"tag": "harbour"}, {"second": set()}),
        ({"everywhere": True}, {"first": set(), "second": set(), "third": set()}),
        ({"everywhere": True, "proviso": fleet.proviso}, {"third": {"av.record"}}),
        ({"country": "FR", "capability": "av.record"}, {"first": {CAPABILITY}, "second": {CAPABILITY}}),
        ({"country": "FR", "tag": "harbour", "capability": CAPABILITY}, {"second": {"av.record"}}),
    ]
    for scope, left in cases:
        preview = exporter.post("/v1/orders/preview", {"kind": "suspend", "scope": scope}, Role.APPROVER)
        assert preview["devices"] == len(left), scope
        assert (
            preview["grants"]
            == sum(preview["capabilities"].values())
            == sum(len(BOTH - held) for held in left.values())
        )
        order = exporter.order("suspend", scope=scope)
        assert (order["devices"], order["grants"], order["targeted"]) == (len(left), preview["grants"], len(left))
        assert fleet.untouched() == {"first": BOTH, "second": BOTH, "third": BOTH} | left, scope
        exporter.order("reinstate", undoes=order["id"])
        assert fleet.untouched() == {"first": BOTH, "second": BOTH, "third": BOTH}, scope


def test_a_preview_tells_countries_and_what_stays_on_and_stores_nothing(fleet: Fleet) -> None:
    exporter = fleet.exporter
    size = len(entries(exporter))
    aim = {"kind": "revoke", "scope": {"everywhere": True, "capability": CAPABILITY}}
    assert exporter.post("/v1/orders/preview", aim, Role.AUDITOR) == {
        "devices": 3,
        "grants": 3,
        "countries": {"FR": 2, "KE": 1},
        "capabilities": {CAPABILITY: 3},
        "safety": ["safety.tamper_alarm"],
        "second_person": False,
    }
    assert len(entries(exporter)) == size
    assert exporter.get("/v1/orders")["items"] == []


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, (422, "request.malformed")),
        ({"capability": CAPABILITY}, (422, "request.malformed")),
        ({"country": "FR", "everywhere": True}, (422, "request.malformed")),
        ({"release": "2.0"}, (422, "request.malformed")),
        ({"country": "France"}, (422, "request.malformed")),
        ({"colour": "red"}, (422, "request.malformed")),
        ({"device": "nobody"}, (404, "device.unknown")),
        ({"country": "PT"}, (422, "order.matches_nothing")),
        ({"end_user": "party_none"}, (422, "order.matches_nothing")),
        ({"tag": "nowhere"}, (422, "order.matches_nothing")),
        ({"product": "camera", "release": "9.9"}, (422, "order.matches_nothing")),
        ({"everywhere": True, "capability": "uav.swarm"}, (422, "order.matches_nothing")),
        ({"everywhere": True, "proviso": "proviso_none"}, (422, "order.matches_nothing")),
    ],
)
def test_a_scope_that_is_unclear_or_matches_nothing_is_refused(
    sqlite_exporter: Exporter, scope: dict[str, Any], expected: tuple[int, str]
) -> None:
    device = sqlite_exporter.device()
    size = len(entries(sqlite_exporter))
    for kind in ("suspend", "revoke"):
        assert refusal(ask_order(sqlite_exporter, kind, scope=scope)) == expected
        preview = sqlite_exporter.ask("POST", "/v1/orders/preview", json={"kind": kind, "scope": scope})
        assert refusal(preview) == expected
    assert len(entries(sqlite_exporter)) == size
    assert usable(sqlite_exporter, device) == BOTH


def test_who_comes_under_an_order_later_is_held_from_the_next_version_on(fleet: Fleet) -> None:
    exporter = fleet.exporter
    suspension = exporter.order("suspend", scope={"country": "KE", "capability": CAPABILITY})
    revocation = exporter.order("revoke", scope={"tag": "harbour", "capability": "av.record"})
    late = device_of(exporter, fleet.kenya)
    exporter.settle()
    assert usable(exporter, late) == {"av.record"}
    tag(exporter, fleet.first, "harbour")
    assert usable(exporter, fleet.first) == BOTH
    exporter.post(f"/v1/devices/{fleet.first.id}/entitlements", PLAN)
    exporter.check_in(fleet.first)
    assert usable(exporter, fleet.first) == {CAPABILITY}
    # What once came under an order is held by it, whatever is edited since.
    tag(exporter, fleet.first)
    exporter.post(f"/v1/devices/{fleet.first.id}/entitlements", PLAN)
    exporter.check_in(fleet.first)
    assert usable(exporter, fleet.first) == {CAPABILITY}
    assert {target["device"] for target in _targets(exporter, suspension)} == {fleet.third.id, late.id}
    for order in (suspension, revocation):
        exporter.order("reinstate", undoes=order["id"])
    exporter.check_in(fleet.first)
    assert usable(exporter, fleet.first) == usable(exporter, late) == BOTH


def test_a_renewal_by_which_a_device_comes_under_an_order_ends_what_it_held(fleet: Fleet) -> None:
    exporter, device = fleet.exporter, fleet.first
    exporter.order("suspend", scope={"tag": "harbour", "capability": CAPABILITY})
    tag(exporter, device, "harbour")
    assert usable(exporter, device) == BOTH
    renewed = exporter.post(f"/v1/devices/{device.id}/entitlements/renewal")
    exporter.settle()
    # Whoever keeps the new version away from the device does not keep the old one alive.
    assert device.held is not None
    assert renewed["version"] > device.held[1]
    assert statuses(exporter, device) == {CAPABILITY: Status.INVALID, "av.record": Status.INVALID}
    exporter.check_in(device)
    before = statuses(exporter, device)
    exporter.post(f"/v1/devices/{device.id}/entitlements/renewal")
    exporter.settle()
    assert statuses(exporter, device) == before == {CAPABILITY: Status.SUSPENDED, "av.record": Status.VALID}


def test_an_order_against_a_proviso_of_one_device_holds_what_is_planned_with_it_later(fleet: Fleet) -> None:
    exporter, device = fleet.exporter, fleet.third
    order = exporter.order("suspend", scope={"device": device.id, "proviso": fleet.proviso})
    bound = {"provisos": [fleet.proviso]}
    exporter.post(f"/v1/devices/{device.id}/entitlements", PLAN | {"grants": {CAPABILITY: bound, "av.record": bound}})
    exporter.check_in(device, status=exporter.lists(device))
    exporter.check_in(device, status=exporter.lists(device))
    assert usable(exporter, device) == set()
    exporter.order("reinstate", undoes=order["id"])
    assert usable(exporter, device) == BOTH


def test_new_limits_end_the_old_grants_at_once_and_come_with_the_next_check_in(exporter: Exporter) -> None:
    plan = PLAN | {
        "grants": {CAPABILITY: {"limits": {"quota": {"uses": 9, "id": "faces", "anchor": 7}}}, "av.record": {}}
    }
    device, other = exporter.device(plan), exporter.device()
    limits = {
        "quota": {"uses": 3, "per": "P1D"},
        "area": {"allow": ["FR"], "deny": [], "max_age": 60, "max_uncertainty_m": 100},
    }
    scope = {"everywhere": True, "capability": CAPABILITY}
    order = exporter.order("limit", scope=scope, limits=limits)
    assert statuses(exporter, device) == {CAPABILITY: Status.INVALID, "av.record": Status.VALID}
    notices = exporter.check_in(device)["notices"]
    assert ["has new limits" in notice for notice in notices] == [True]
    exporter.check_in(other)
    assert usable(exporter, device) == usable(exporter, other) == BOTH
    assert _quota(device) == {"uses": 3, "per": "P1D", "id": "faces", "anchor": 7}
    assert _quota(other) == {"uses": 3, "per": "P1D", "id": CAPABILITY, "anchor": order["in_force_at"]}
    preview = exporter.post(f"/v1/devices/{other.id}/entitlements/preview", PLAN)
    assert set(preview["claims"]["grants"][CAPABILITY]["limits"]) == {"quota", "area"}
    exporter.order("reinstate", undoes=order["id"])
    exporter.check_in(device)
    assert _quota(device) == {"uses": 9, "id": "faces", "anchor": 7}


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"limits": {"moon": {}}}, "limit.unsupported"),
        ({"limits": {"area": {"allow": ["XX"], "deny": [], "max_age": 1, "max_uncertainty_m": 1}}}, "plan.zone"),
        ({"limits": {"operators": {"distinct": 0}}}, "field.range"),
        ({"limits": {}}, "request.malformed"),
        ({}, "request.malformed"),
    ],
)
def test_limits_that_no_device_could_obey_are_refused(
    sqlite_exporter: Exporter, terms: dict[str, Any], code: str
) -> None:
    device = sqlite_exporter.device()
    refused = ask_order(sqlite_exporter, "limit", scope={"device": device.id}, **terms)
    assert refusal(refused)[0] == 422
    assert refusal(refused)[1] == code
    assert usable(sqlite_exporter, device) == BOTH


def _targets(exporter: Exporter, order: dict[str, Any]) -> list[Any]:
    return exporter.all(f"/v1/orders/{order['id']}/targets")


def _quota(device: SimulatedDevice) -> Any:
    assert device.entitlement is not None
    return device.entitlement["grants"][CAPABILITY]["limits"]["quota"]
