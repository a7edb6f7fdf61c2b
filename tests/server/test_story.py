"""One true path through all rooms, seen from the server."""

from __future__ import annotations

from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, Exporter


def test_from_enrolment_to_revocation(exporter: Exporter) -> None:
    device = exporter.device()
    assert device.entitlement is not None
    assert set(device.entitlement["grants"]) == {CAPABILITY, "av.record"}

    exporter.check_in(device, components={"rules": b"a" * 32})
    changed = {"component": "rules", "before": "x", "after": "y", "changed": ["rules.json"], "total": 1}
    exporter.check_in(device, events=[("configuration.changed", changed)], components={"rules": b"b" * 32})
    (case,) = exporter.get("/v1/alerts")["items"]
    assert (case["kind"], case["subject"], case["state"]) == ("configuration.changed", device.id, "open")

    order = exporter.order("revoke", scope={"device": device.id, "capability": CAPABILITY})
    answer = exporter.check_in(device, status=exporter.lists(device))
    assert order["id"] in answer["notices"][0]
    (target,) = exporter.get(f"/v1/orders/{order['id']}")["targets"]
    assert target["confirmed_at"] is not None

    entries = exporter.get("/v1/log/entries?limit=200", Role.AUDITOR)["items"]
    assert [entry["index"] for entry in entries] == list(range(len(entries)))
    assert {"order.placed", "case.opened", "evidence.accepted", "device.enrolled"} <= {e["type"] for e in entries}
