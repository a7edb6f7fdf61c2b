"""Issuing, renewing, reading and previewing; what a new version ends, inherits and leaves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import text

from licensing_protocol.entitlement import verify
from licensing_protocol.grant import StatusReference
from licensing_protocol.status_list import Status, StatusList, read_status
from licensing_server import clock
from licensing_server.entitlements.alternating import MOST_CHANGES
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.simulators.device import SimulatedDevice

VIDEO = "av.record"
NARROWER: dict[str, Any] = {"grants": {CAPABILITY: {}}, "valid_for": 86_400}


def test_an_entitlement_serves_one_device_and_verifies_under_the_root(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    (issued,) = exporter.get(f"/v1/devices/{device.id}/entitlements")["items"]
    root = exporter.trusted()
    entitlement = verify(issued["text"], root)
    assert entitlement.identity == issued["identity"]
    assert (entitlement.device, entitlement.device_key) == (device.id, device.signer.key.thumbprint)
    assert entitlement.to_claims() == issued["claims"]
    assert len({grant.status.uri for grant in entitlement.grants.values()}) == 1
    assert exporter.get(f"/v1/entitlements/{issued['jti']}") == issued
    assert exporter.ask("GET", "/v1/entitlements/none").json()["code"] == "entitlement.unknown"


def test_a_narrower_plan_ends_all_older_grants_in_the_same_transaction(exporter: Exporter) -> None:
    device = exporter.device()
    old = _references(device)
    issued = exporter.post(f"/v1/devices/{device.id}/entitlements", NARROWER)
    # Before any job ran: the bits themselves, not yet a signed list.
    assert {_bit(exporter, reference) for reference in old.values()} == {Status.INVALID}
    exporter.settle()
    assert {_listed(exporter, reference) for reference in old.values()} == {Status.INVALID}
    assert set(exporter.check_in(device)) >= {"receipt", "entitlement"}
    assert device.held == (issued["jti"], issued["version"])
    assert set(device.entitlement["grants"]) == {CAPABILITY} if device.entitlement else False
    new = _references(device)
    assert _listed(exporter, new[CAPABILITY]) is Status.VALID
    assert not set(new.values()) & set(old.values())


def test_a_renewal_leaves_older_grants_to_expire(exporter: Exporter) -> None:
    device = exporter.device()
    old = _references(device)
    before = device.held
    renewed = exporter.post(f"/v1/devices/{device.id}/entitlements/renewal")
    exporter.check_in(device)
    assert before is not None
    assert renewed["version"] == max(before[1] + 1, renewed["issued_at"])
    assert {_listed(exporter, reference) for reference in [*old.values(), *_references(device).values()]} == {
        Status.VALID
    }
    issued = [version["version"] for version in exporter.get(f"/v1/devices/{device.id}/entitlements")["items"]]
    assert issued == sorted(set(issued))


def test_a_check_in_brings_a_renewal_after_half_the_life(exporter: Exporter) -> None:
    device = exporter.device()
    assert "entitlement" not in exporter.check_in(device)
    with exporter.database.write() as session:
        session.execute(text("UPDATE entitlement SET issued_at = issued_at - 50000, expires = expires - 50000"))
    held = device.held
    exporter.check_in(device)
    assert held is not None
    assert device.held is not None
    assert device.held[1] > held[1]


def test_versions_rise_even_within_one_second(sqlite_exporter: Exporter) -> None:
    device = sqlite_exporter.device()
    path = f"/v1/devices/{device.id}/entitlements/renewal"
    versions = [sqlite_exporter.post(path)["version"] for _ in range(4)]
    assert versions == sorted(set(versions))
    assert versions[-1] >= clock.now()


def test_no_index_is_ever_given_out_twice(exporter: Exporter) -> None:
    devices = [exporter.device() for _ in range(2)]
    paths = [f"/v1/devices/{device.id}/entitlements/renewal" for device in devices] * 6
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda path: exporter.ask("POST", path), paths))
    assert {answer.status_code for answer in answers} == {201}
    given_out = [
        (grant["status"]["uri"], grant["status"]["idx"])
        for answer in answers
        for grant in answer.json()["claims"]["grants"].values()
    ]
    assert len(given_out) == len(set(given_out)) == 24
    for device in devices:
        listed = exporter.get(f"/v1/devices/{device.id}/entitlements")["items"]
        assert len({version["version"] for version in listed}) == len(listed) == 7


def test_a_new_version_inherits_a_suspension_and_grants_nothing_revoked(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
    exporter.order("revoke", scope={"device": device.id, "capability": "av.record"})
    preview = exporter.post(f"/v1/devices/{device.id}/entitlements/preview", PLAN)
    assert (preview["suspended"], preview["revoked"]) == ([CAPABILITY], ["av.record"])
    exporter.post(f"/v1/devices/{device.id}/entitlements", PLAN)
    exporter.check_in(device)
    new = _references(device)
    assert set(new) == {CAPABILITY}
    assert _listed(exporter, new[CAPABILITY]) is Status.SUSPENDED


def test_a_version_that_is_suspended_in_part_waits_until_the_device_holds_a_list_that_says_so(
    exporter: Exporter,
) -> None:
    device = exporter.device()
    exporter.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
    before = exporter.lists(device)
    exporter.post(f"/v1/devices/{device.id}/entitlements/renewal")
    # First no list is signed yet that knows the new indices, then the device does not have it.
    for _ in range(2):
        assert "entitlement" not in exporter.check_in(device, status=before)
    assert "entitlement" in exporter.check_in(device, status=exporter.lists(device))


def test_a_version_waits_for_a_suspension_that_was_ordered_after_it_was_signed(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.post(f"/v1/devices/{device.id}/entitlements/renewal")
    before = exporter.lists(device)
    order = exporter.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
    assert "entitlement" not in exporter.check_in(device, status=before)
    exporter.order("reinstate", undoes=order["id"])
    assert "entitlement" in exporter.check_in(device, status=before)


def test_a_version_waits_for_no_list_that_the_device_does_not_have(sqlite_exporter: Exporter) -> None:
    device = sqlite_exporter.device()
    sqlite_exporter.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
    sqlite_exporter.post(f"/v1/devices/{device.id}/entitlements/renewal")
    assert "entitlement" in sqlite_exporter.check_in(device, status={"https://exporter.example/v1/status/9": 1})


def test_issuing_and_ordering_at_once_leave_nothing_granted_that_is_forbidden(exporter: Exporter) -> None:
    device = exporter.device()
    revoke = {
        "kind": "revoke",
        "scope": {"device": device.id, "capability": CAPABILITY},
        "reason_code": "misuse_confirmed",
        "reason_text": "A court has found so.",
    }
    requests: list[tuple[str, Any]] = [(f"/v1/devices/{device.id}/entitlements", PLAN)] * 5
    requests.insert(2, ("/v1/orders", revoke))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda request: exporter.ask("POST", request[0], json=request[1]), requests))
    assert {answer.status_code for answer in answers} == {201}
    exporter.settle()
    for version in exporter.all(f"/v1/devices/{device.id}/entitlements"):
        grant = version["claims"]["grants"].get(CAPABILITY)
        if grant is not None:
            assert _listed(exporter, StatusReference(grant["status"]["uri"], grant["status"]["idx"])) is Status.INVALID
    # Where the order came last, the newest version still names what is INVALID in it; the next one does not.
    exporter.post(f"/v1/devices/{device.id}/entitlements", PLAN)
    exporter.check_in(device)
    assert set(_references(device)) == {"av.record"}


def test_a_preview_stores_nothing_and_says_what_an_issue_would(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    size = len(exporter.all("/v1/log/entries", Role.AUDITOR))
    plan = {"grants": {CAPABILITY: {"limits": {"quota": {"uses": 3, "per": "P1D"}}}}}
    preview = exporter.post(f"/v1/devices/{device.id}/entitlements/preview", plan, Role.APPROVER)["claims"]
    exporter.settle()
    assert len(exporter.all("/v1/log/entries", Role.AUDITOR)) == size
    issued = exporter.post(f"/v1/devices/{device.id}/entitlements", plan)["claims"]
    named = {"jti", "iat", "nbf", "exp", "ver", "grants"}
    assert {k: v for k, v in preview.items() if k not in named} == {k: v for k, v in issued.items() if k not in named}
    assert issued["grants"][CAPABILITY]["limits"]["quota"]["id"] == CAPABILITY
    assert preview["grants"][CAPABILITY]["freshness"] == issued["grants"][CAPABILITY]["freshness"]


def test_a_new_issue_refills_no_quota(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device(_quota(uses=3, anchor=5))
    path = f"/v1/devices/{device.id}/entitlements"
    exporter.post(path, NARROWER)
    for plan in (_quota(uses=9), _quota(uses=9, anchor=5)):
        preview = exporter.post(f"{path}/preview", plan)["claims"]
        issued = exporter.post(path, plan)["claims"]
        for claims in (preview, issued):
            quota = claims["grants"][CAPABILITY]["limits"]["quota"]
            assert quota == {"id": CAPABILITY, "uses": 9, "per": "P1D", "anchor": 5}


@pytest.mark.parametrize("way", ["entitlements", "entitlements/preview"])
def test_another_anchor_for_a_known_quota_is_refused(sqlite_exporter: Exporter, way: str) -> None:
    exporter = sqlite_exporter
    device = exporter.device(_quota(uses=3, anchor=5))
    exporter.post(f"/v1/devices/{device.id}/entitlements", NARROWER)
    refused = exporter.ask("POST", f"/v1/devices/{device.id}/{way}", json=_quota(uses=3, anchor=6))
    assert (refused.status_code, refused.json()["code"]) == (422, "plan.anchor")


def test_grants_that_share_a_quota_share_its_anchor(sqlite_exporter: Exporter) -> None:
    shared: dict[str, Any] = {"id": "both", "uses": 3, "per": "P1D"}
    grants = {name: {"limits": {"quota": shared | given}} for name, given in ((CAPABILITY, {"anchor": 5}), (VIDEO, {}))}
    device = sqlite_exporter.device({"grants": grants})
    assert device.entitlement is not None
    anchors = {grant["limits"]["quota"]["anchor"] for grant in device.entitlement["grants"].values()}
    assert anchors == {5}


def test_a_second_order_refills_no_quota_that_the_first_had_laid_on_a_device(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    terms = {
        "scope": {"device": device.id, "capability": CAPABILITY},
        "limits": _quota(uses=3)["grants"][CAPABILITY]["limits"],
    }
    order = exporter.order("limit", **terms)
    exporter.check_in(device)
    exporter.order("reinstate", undoes=order["id"])
    with exporter.database.write() as session:
        # As if it had been long ago.
        session.execute(text("UPDATE quota_anchor SET anchor = 5"))
    exporter.order("limit", **terms)
    exporter.check_in(device)
    assert device.entitlement is not None
    assert device.entitlement["grants"][CAPABILITY]["limits"]["quota"]["anchor"] == 5


@pytest.mark.parametrize(
    ("path", "code"), [("nobody/entitlements", "device.unknown"), ("nobody/entitlements/preview", "device.unknown")]
)
def test_an_unknown_device_gets_nothing(sqlite_exporter: Exporter, path: str, code: str) -> None:
    refused = sqlite_exporter.ask("POST", f"/v1/devices/{path}", json=PLAN)
    assert (refused.status_code, refused.json()["code"]) == (404, code)


def test_a_release_that_guards_safety_is_not_gated_and_the_device_still_reports(exporter: Exporter) -> None:
    device = exporter.device()
    changes = {"capabilities": frozenset({"av.record"}), "safety": frozenset({CAPABILITY})}
    manifest = exporter.release("2.0", **changes)["manifest"]
    refused = exporter.ask("POST", f"/v1/devices/{device.id}/entitlements", json=PLAN)
    assert refused.status_code == 201
    answer = exporter.check_in(device, manifest=manifest)
    assert "receipt" in answer
    exporter.settle()
    (case,) = exporter.get("/v1/alerts?kind=entitlement.withheld")["items"]
    assert case["subject"] == device.id
    again: Response = exporter.ask("POST", f"/v1/devices/{device.id}/entitlements", json=PLAN)
    assert again.json()["code"] == "plan.safety"


def test_another_release_of_the_device_gets_an_entitlement_for_it(exporter: Exporter) -> None:
    device = exporter.device()
    old = _references(device)
    device.manifest = exporter.release("2.0")["manifest"]
    exporter.check_in(device)
    assert device.entitlement is not None
    assert (device.entitlement["releases"], device.entitlement["manifest"]) == (["2.0"], device.manifest)
    assert {_listed(exporter, reference) for reference in old.values()} == {Status.INVALID}


def test_a_device_that_alternates_between_releases_waits_for_a_day(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    manifests = [exporter.release("2.0")["manifest"], device.manifest]
    for number in range(MOST_CHANGES + 3):
        device.manifest = manifests[number % 2]
        answer = exporter.send(device, device.evidence(clock.now()))
        assert "receipt" in answer
        device.take(answer)
    issued = exporter.all(f"/v1/devices/{device.id}/entitlements")
    assert len(issued) == 1 + MOST_CHANGES
    exporter.settle()
    (case,) = exporter.get("/v1/alerts?kind=entitlement.withheld")["items"]
    assert case["subject"] == device.id
    approved = exporter.post(f"/v1/devices/{device.id}/entitlements", PLAN)
    assert approved["claims"]["manifest"] == device.manifest
    with exporter.database.write() as session:
        session.execute(text("UPDATE entitlement SET issued_at = issued_at - 86400"))
    device.manifest = manifests[MOST_CHANGES % 2 - 1]
    assert "entitlement" in exporter.check_in(device)


def _quota(**members: int) -> dict[str, Any]:
    return {"grants": {CAPABILITY: {"limits": {"quota": {"per": "P1D"} | members}}}}


def _references(device: SimulatedDevice) -> dict[str, StatusReference]:
    assert device.entitlement is not None
    return {
        capability: StatusReference(grant["status"]["uri"], grant["status"]["idx"])
        for capability, grant in device.entitlement["grants"].items()
    }


def _listed(exporter: Exporter, reference: StatusReference) -> Status:
    return StatusList.parse(exporter.status_list(reference.uri)).status(reference.index)


def _bit(exporter: Exporter, reference: StatusReference) -> Status:
    with exporter.database.read() as session:
        bits = session.scalar(text("SELECT bits FROM shard WHERE uri = :uri"), {"uri": reference.uri})
    return read_status(bytes(bits), reference.index)
