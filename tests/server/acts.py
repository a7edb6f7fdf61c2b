"""One example of every act that staff can do over HTTP, with a twin that the rules refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from httpx2 import Response

from licensing_protocol.keys import SoftwareSigner
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, PLAN, Exporter

REASON = {"reason_code": "misuse_reported", "reason_text": "Reported by two journalists."}
NOWHERE = "nowhere_1"


@dataclass(frozen=True)
class Act:
    """``route`` is method and pattern; ``entries`` the types of the log entries that the act leaves."""

    route: str
    path: str
    body: Any
    role: Role
    entries: tuple[str, ...]
    refused_path: str | None = None
    refused_body: Any = None
    version: int | None = None

    def send(self, exporter: Exporter, role: Role | None = None, token: str | None = None) -> Response:
        """Do it, as its own role or another, or with a token of one's own (empty for none)."""
        return self._send(exporter, self.path, self.body, self._headers(self.version, token), role, token)

    def send_refused(self, exporter: Exporter) -> Response:
        """Ask for what the rules refuse: of an unknown thing, of an old version, or once too often."""
        path = self.refused_path or self.path
        body = self.body if self.refused_body is None else self.refused_body
        version = None if self.version is None else self.version + 7
        return self._send(exporter, path, body, self._headers(version, None), None, None)

    def _headers(self, version: int | None, token: str | None) -> dict[str, str]:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return headers | ({"Authorization": f"Bearer {token}"} if token else {})

    def _send(
        self, exporter: Exporter, path: str, body: Any, headers: dict[str, str], role: Role | None, token: str | None
    ) -> Response:
        wanted = None if token is not None else role or self.role
        return exporter.ask(self.route.split()[0], path, wanted, json=body, headers=headers)


def acts(exporter: Exporter) -> list[Act]:
    """Set the scene for, and return, one act of every kind, in an order in which all can be done."""
    return [
        *_of_people(exporter),
        *_of_the_catalogue(exporter),
        *_of_devices(exporter),
        *_of_orders(exporter),
        *_of_the_log(exporter),
    ]


def _of_people(exporter: Exporter) -> list[Act]:
    person = exporter.post("/v1/people", {"name": "Passing Guest", "roles": ["auditor"]}, Role.ADMINISTRATOR)["id"]
    administrator = Role.ADMINISTRATOR
    owners = (exporter.people[administrator], person)
    first, second = (exporter.post(f"/v1/people/{owner}/tokens", {}, administrator)["id"] for owner in owners)
    return [
        Act("POST /v1/people", "/v1/people", {"name": "New Name", "roles": ["auditor"]}, administrator,
            ("person.added",), refused_body={"name": "New Name", "roles": ["king"]}),
        Act("PUT /v1/people/{person}/roles", f"/v1/people/{person}/roles", {"roles": ["auditor", "approver"]},
            administrator, ("person.roles_set",), version=1),
        Act("POST /v1/people/{person}/tokens", f"/v1/people/{person}/tokens", {}, administrator,
            ("token.issued",), refused_body={"days": 366}),
        Act("POST /v1/tokens/{token}/rotation", f"/v1/tokens/{first}/rotation", None, administrator,
            ("token.revoked", "token.issued"), f"/v1/tokens/{NOWHERE}/rotation"),
        Act("DELETE /v1/tokens/{token}", f"/v1/tokens/{second}", None, administrator,
            ("token.revoked",), f"/v1/tokens/{first}"),
        Act("POST /v1/people/{person}/disabling", f"/v1/people/{person}/disabling", None, administrator,
            ("person.disabled",), version=2),
    ]  # fmt: skip


def _of_the_catalogue(exporter: Exporter) -> list[Act]:
    proviso = {"name": "By day", "limits": {"operators": {"distinct": 2}}}
    made = exporter.post("/v1/provisos", proviso | {"name": "By night"})
    vendor_key = SoftwareSigner.generate().key.jwk
    manifest = exporter.product_manifest("2.0").sign(exporter.vendor)
    foreign = exporter.product_manifest("3.0").sign(SoftwareSigner.generate())
    capability = {"id": "acme.zoom", "family": "Acme", "description": "Zooms far.", "misuse": "Sees far."}
    return [
        Act("POST /v1/capabilities", "/v1/capabilities", capability, Role.VENDOR,
            ("capability.added",), refused_body=capability | {"id": CAPABILITY}),
        Act("POST /v1/products", "/v1/products", {"id": "drone", "name": "Drone", "vendor_key": vendor_key},
            Role.VENDOR, ("product.added",), refused_body={"id": "camera", "name": "Two", "vendor_key": vendor_key}),
        Act("POST /v1/products/{product}/releases", "/v1/products/camera/releases", {"manifest": manifest},
            Role.VENDOR, ("release.registered",), refused_body={"manifest": foreign}),
        Act("POST /v1/provisos", "/v1/provisos", proviso, Role.COMPLIANCE,
            ("proviso.added",), refused_body=proviso | {"limits": {"moon": {}}}),
        Act("PUT /v1/provisos/{proviso}", f"/v1/provisos/{made['id']}", proviso | {"name": "At dusk"},
            Role.COMPLIANCE, ("proviso.edited",), version=1),
        Act("POST /v1/parties", "/v1/parties", {"name": "Harbour Office", "country": "PT"}, Role.COMPLIANCE,
            ("party.added",), refused_body={"name": "Harbour Office", "country": "Portugal"}),
        Act("PUT /v1/parties/{party}", f"/v1/parties/{exporter.end_user}", {"name": "Parks", "country": "FR"},
            Role.COMPLIANCE, ("party.edited",), version=1),
    ]  # fmt: skip


def _of_devices(exporter: Exporter) -> list[Act]:
    device = exporter.device().id
    unused = exporter.token().split(".")[0]
    token = {"product": "camera", "end_user": exporter.end_user, "authorisation": "EX-2026-2", "plan": PLAN}
    issued = f"/v1/devices/{device}/entitlements"
    return [
        Act("PUT /v1/devices/{device}/tags", f"/v1/devices/{device}/tags", {"tags": ["north"]}, Role.COMPLIANCE,
            ("device.tagged",), version=1),
        Act("POST /v1/enrolment-tokens", "/v1/enrolment-tokens", token, Role.COMPLIANCE,
            ("enrolment_token.made",), refused_body=token | {"product": "nothing"}),
        Act("DELETE /v1/enrolment-tokens/{token}", f"/v1/enrolment-tokens/{unused}", None, Role.COMPLIANCE,
            ("enrolment_token.revoked",), f"/v1/enrolment-tokens/{NOWHERE}"),
        Act("POST /v1/devices/{device}/entitlements", issued, PLAN, Role.COMPLIANCE,
            ("entitlement.issued",), refused_body={"grants": {"face.unheard_of": {}}}),
        Act("POST /v1/devices/{device}/entitlements/renewal", f"{issued}/renewal", None, Role.COMPLIANCE,
            ("entitlement.issued",), f"/v1/devices/{NOWHERE}/entitlements/renewal"),
    ]  # fmt: skip


def _of_orders(exporter: Exporter) -> list[Act]:
    device = exporter.device()
    exporter.fork(device)
    cases = {case["kind"]: case["id"] for case in exporter.get(f"/v1/alerts?subject={device.id}")["items"]}
    (quarantine,) = exporter.get(f"/v1/orders?device={device.id}")["items"]
    suspend = {"kind": "suspend", "scope": {"device": device.id, "capability": CAPABILITY}} | REASON
    case, order = f"/v1/alerts/{cases['continuity.fork']}", f"/v1/orders/{quarantine['id']}"
    text = {"text": "Our camera guards a bird sanctuary."}
    appeal = exporter.post(f"{order}/appeals", text)["id"]
    answer = {"outcome": "dismissed"} | text
    return [
        Act("POST /v1/orders", "/v1/orders", suspend, Role.COMPLIANCE,
            ("order.placed", "order.in_force"),
            refused_body=suspend | {"scope": {"device": device.id, "capability": "uav.swarm"}}),
        Act("POST /v1/orders/{order}/confirmation", f"{order}/confirmation", None, Role.COMPLIANCE,
            ("order.confirmed",), f"/v1/orders/{NOWHERE}/confirmation"),
        Act("POST /v1/orders/{order}/appeals", f"{order}/appeals", text, Role.COMPLIANCE,
            ("appeal.recorded",), f"/v1/orders/{NOWHERE}/appeals"),
        Act("POST /v1/orders/{order}/appeals/{appeal}/answer", f"{order}/appeals/{appeal}/answer", answer,
            Role.APPROVER, ("appeal.answered",), f"{order}/appeals/{NOWHERE}/answer"),
        Act("POST /v1/alerts/{case}/acknowledgement", f"{case}/acknowledgement", None, Role.COMPLIANCE,
            ("case.acknowledged",), f"/v1/alerts/{NOWHERE}/acknowledgement"),
        Act("POST /v1/alerts/{case}/closing", f"{case}/closing", {"note": "A copy was made."}, Role.COMPLIANCE,
            ("case.closed",), refused_body={"note": ""}),
    ]  # fmt: skip


def _of_the_log(exporter: Exporter) -> list[Act]:
    exporter.settle()
    (added,) = exporter.get("/v1/log/entries?type=party.added", Role.AUDITOR)["items"]
    values, reason = f"/v1/log/entries/{added['index']}/values", {"reason": "The office asked for it."}
    return [
        Act("POST /v1/log/entries/{index}/values/{field}/erasure", f"{values}/name/erasure", reason, Role.COMPLIANCE,
            ("value.erased",), f"{values}/country/erasure"),
        Act("POST /v1/log/exports", "/v1/log/exports", {"form": "csv"}, Role.AUDITOR,
            ("log.exported",), refused_body={"form": "csv", "begin": 2, "end": 1}),
    ]  # fmt: skip
