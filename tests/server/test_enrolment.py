"""One-time enrolment tokens, and the devices that they make."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import text

from licensing_protocol.canonical import to_base64url
from licensing_protocol.enrollment import Enrollment
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.receipt import verify_receipt
from licensing_server import clock
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.simulators.device import SimulatedDevice


def test_an_enrolment_makes_a_device_with_receipt_and_entitlement(exporter: Exporter) -> None:
    device = SimulatedDevice(exporter.manifest)
    body = device.enrollment(exporter.token(), clock.now())
    answer = exporter.post("/v1/enrollments", body, None)
    device.take(answer)
    root = exporter.trusted()
    receipt = verify_receipt(answer["receipt"], root)
    assert (receipt.device, receipt.sequence) == (device.id, 0)
    read = exporter.get(f"/v1/devices/{device.id}")
    assert (read["product"], read["end_user"]) == ("camera", exporter.end_user)
    assert device.entitlement is not None
    assert device.entitlement["authorisation"] == {"reference": "EX-2026-1", "end_user": exporter.end_user}
    (token,) = exporter.get("/v1/enrolment-tokens")["items"]
    assert token["device"] == device.id


def test_the_same_document_gets_the_same_answer(exporter: Exporter) -> None:
    device = SimulatedDevice(exporter.manifest)
    body = device.enrollment(exporter.token(), clock.now())
    first, again = (exporter.post("/v1/enrollments", body, None) for _ in range(2))
    assert first == again
    assert len(exporter.get("/v1/devices")["items"]) == 1


def test_a_used_token_with_another_key_is_refused_logged_and_alerted(exporter: Exporter) -> None:
    token = exporter.token()
    first, thief = SimulatedDevice(exporter.manifest), SimulatedDevice(exporter.manifest)
    exporter.post("/v1/enrollments", first.enrollment(token, clock.now()), None)
    for body in (thief.enrollment(token, clock.now()), first.enrollment(token, clock.now())):
        refused = _enrol(exporter, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "enrolment.token_used")
    exporter.settle()
    entries = exporter.get("/v1/log/entries?type=enrolment.refused", Role.AUDITOR)["items"]
    token_id = token.split(".")[0]
    assert [(entry["subject"], entry["data"]["device"]) for entry in entries] == [(token_id, first.id)] * 2
    assert entries[0]["data"]["key"] == thief.signer.key.thumbprint
    (case,) = exporter.get(f"/v1/alerts?subject={token_id}")["items"]
    assert (case["kind"], case["count"]) == ("enrolment.token_reused", 2)
    assert [device["id"] for device in exporter.get("/v1/devices")["items"]] == [first.id]


def test_only_the_hash_of_a_token_is_kept(sqlite_exporter: Exporter) -> None:
    secret = sqlite_exporter.token().split(".")[1]
    with sqlite_exporter.database.read() as session:
        rows = session.execute(text("SELECT * FROM enrolment_token")).all()
    assert secret not in str(rows)
    assert secret not in sqlite_exporter.ask("GET", "/v1/enrolment-tokens").text


@pytest.mark.parametrize("secret", ["wrong", "", "\0"])
def test_a_wrong_secret_is_refused(exporter: Exporter, secret: str) -> None:
    token_id = exporter.token().split(".")[0]
    for wrong in (f"{token_id}.{secret}", f"enrol_unknown.{secret}", f"{secret}x"):
        refused = _enrol(exporter, SimulatedDevice(exporter.manifest).enrollment(wrong, clock.now()))
        assert refused.status_code in {403, 422}, refused.text
        assert refused.json()["code"] in {"enrolment.token_refused", "value.unstorable"}
    assert exporter.get("/v1/devices")["items"] == []


def test_a_token_that_is_over_is_refused(exporter: Exporter) -> None:
    expired, revoked = exporter.token(), exporter.token()
    with exporter.database.write() as session:
        statement = "UPDATE enrolment_token SET expires_at = created_at WHERE id = :id"
        session.execute(text(statement), {"id": expired.split(".")[0]})
    assert exporter.ask("DELETE", f"/v1/enrolment-tokens/{revoked.split('.')[0]}").status_code == 200
    for token in (expired, revoked):
        refused = _enrol(exporter, SimulatedDevice(exporter.manifest).enrollment(token, clock.now()))
        assert (refused.status_code, refused.json()["code"]) == (403, "enrolment.token_expired")
    over = exporter.ask("DELETE", f"/v1/enrolment-tokens/{revoked.split('.')[0]}")
    assert (over.status_code, over.json()["code"]) == (409, "enrolment.token_over")


def test_a_token_serves_its_own_product_only(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    vendor = SoftwareSigner.generate()
    exporter.post("/v1/products", {"id": "drone", "name": "Drone", "vendor_key": vendor.key.jwk}, Role.VENDOR)
    manifest = exporter.product_manifest("1.0", product="drone").sign(vendor)
    release = exporter.post("/v1/products/drone/releases", {"manifest": manifest}, Role.VENDOR)
    foreign = SimulatedDevice(release["manifest"]).enrollment(exporter.token(), clock.now())
    assert _enrol(exporter, foreign).json()["code"] == "enrolment.product"
    unknown = SimulatedDevice("A" * 43).enrollment(exporter.token(), clock.now())
    assert _enrol(exporter, unknown).json()["code"] == "manifest.unknown"


def test_a_known_device_key_does_not_enrol_again(exporter: Exporter) -> None:
    device = exporter.device()
    refused = _enrol(exporter, device.enrollment(exporter.token(), clock.now()))
    assert (refused.status_code, refused.json()["code"]) == (409, "device.known")


def test_an_enrolment_that_the_key_did_not_sign_is_refused(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    thief, victim = SoftwareSigner.generate(), SoftwareSigner.generate()
    document = Enrollment(clock.now(), exporter.token(), exporter.manifest, bytes(16), victim.key).sign(victim)
    forged = document.rpartition(".")[0] + "." + _signature(thief, document)
    refused = _enrol(exporter, {"enrollment": forged})
    assert (refused.status_code, refused.json()["code"]) == (422, "trust.bad_signature")
    assert _enrol(exporter, {"enrollment": document}).status_code == 200


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ({"grants": {"face.unheard_of": {}}}, "plan.capability"),
        ({"grants": {CAPABILITY: {"limits": {"moon": {}}}}}, "limit.unsupported"),
        ({"grants": {CAPABILITY: {"limits": {"operators": {"distinct": 0}}}}}, "field.range"),
        ({"grants": {CAPABILITY: {"limits": {"area": {"allow": ["ZZ"], "deny": [], "max_age": 1}}}}}, "field.missing"),
        ({"grants": {CAPABILITY: {"limit": {}}}}, "request.malformed"),
        ({"grants": {CAPABILITY: {"limits": {"parameters": {"type": "nothing"}}}}}, "limit.unsupported"),
    ],
)
def test_a_plan_that_could_not_be_issued_makes_no_token(
    sqlite_exporter: Exporter, plan: dict[str, Any], code: str
) -> None:
    body = {"product": "camera", "end_user": sqlite_exporter.end_user, "authorisation": "EX-1", "plan": plan}
    refused = sqlite_exporter.ask("POST", "/v1/enrolment-tokens", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert sqlite_exporter.get("/v1/enrolment-tokens")["items"] == []


def test_a_token_needs_a_release_and_a_known_end_user(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    key = SoftwareSigner.generate().key.jwk
    exporter.post("/v1/products", {"id": "drone", "name": "Drone", "vendor_key": key}, Role.VENDOR)
    good = {"product": "camera", "end_user": exporter.end_user, "authorisation": "EX-1", "plan": PLAN}
    for change, code in (
        ({"product": "drone"}, "product.no_release"),
        ({"product": "nothing"}, "product.unknown"),
        ({"end_user": "party_nobody"}, "party.unknown"),
    ):
        assert exporter.ask("POST", "/v1/enrolment-tokens", json=good | change).json()["code"] == code


def test_devices_are_listed_by_what_staff_look_for(exporter: Exporter) -> None:
    here, there = exporter.device(), exporter.device()
    headers = {"If-Match": '"1"'}
    path = f"/v1/devices/{here.id}/tags"
    assert exporter.ask("PUT", path, json={"tags": ["north", "gate", "north"]}, headers=headers).status_code == 200
    kept = exporter.ask("PUT", path, json={"tags": ["north", "harbour"]}, headers={"If-Match": '"2"'})
    assert kept.json()["tags"] == ["harbour", "north"]
    assert exporter.ask("PUT", path, json={"tags": []}, headers=headers).json()["code"] == "edit.conflict"
    for query, found in (
        ("tag=north", {here.id}),
        ("tag=gate", set()),
        (f"end_user={exporter.end_user}", {here.id, there.id}),
        ("product=camera", {here.id, there.id}),
        ("product=drone", set()),
        ("country=FR", {here.id, there.id}),
        ("country=DE", set()),
        (f"silent_since={clock.now() + 10}", {here.id, there.id}),
        (f"silent_since={clock.now() - 100}", set()),
    ):
        assert {device["id"] for device in exporter.get(f"/v1/devices?{query}")["items"]} == found, query
    assert exporter.ask("GET", "/v1/devices/nobody").json()["code"] == "device.unknown"


def _enrol(exporter: Exporter, body: Any) -> Response:
    return exporter.ask("POST", "/v1/enrollments", None, json=body)


def _signature(signer: SoftwareSigner, document: str) -> str:
    return to_base64url(signer.sign(document.rpartition(".")[0].encode("ascii")))
