"""What the exporter's people do from the first sale to a revocation, by commands alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.cli.command_line import Staff
from tests.cli.exporter import CAPABILITY, Company


def eventually(look: Callable[[], Any]) -> Any:
    """Return what ``look`` finds once background work has made it so."""
    for _ in range(400):
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("It did not happen within twenty seconds.")


def test_a_device_is_sold_watched_and_loses_a_capability(ada: Staff, company: Company) -> None:
    device = company.device()
    assert ada.ask("devices", "show", device.id)["end_user"] == company.end_user
    assert ada.ask("devices", "tag", device.id, "harbour", "pilot")["tags"] == ["harbour", "pilot"]
    assert [found["id"] for found in ada.ask("devices", "list", "--tag", "pilot")["items"]] == [device.id]

    changed = {"component": "rules", "before": "x", "after": "y", "changed": ["rules.json"], "total": 1}
    company.check_in(device, events=[("configuration.changed", changed)], components={"rules": b"b" * 32})
    case = eventually(lambda: ada.ask("alerts", "list", "--subject", device.id)["items"])[0]
    assert case["kind"] == "configuration.changed"
    assert ada.ask("alerts", "acknowledge", case["id"])["state"] == "acknowledged"
    assert ada.ask("alerts", "close", case["id"], "--note", "Approved by phone.")["state"] == "closed"
    (event,) = ada.ask("devices", "events", device.id, "--type", "configuration.changed")["items"]
    assert event["data"]["changed"] == ["rules.json"]

    reason = ("--reason-code", "misuse_confirmed", "--reason", "The review confirmed misuse.")
    scope = ("--device", device.id, "--capability", CAPABILITY)
    order = ada.ask("revoke", *scope, *reason, "--yes")
    assert ada.ask("orders", "show", order["id"])["kind"] == "revoke"
    assert ada.ask("preview", device.id, "--plan", company.plan)["revoked"] == [CAPABILITY]

    entries = eventually(lambda: ada.ask("log", "list", "--subject", order["id"])["items"])
    assert [entry["type"] for entry in entries] == ["order.placed", "order.in_force"]
    assert ada.ask("log", "show", str(entries[0]["index"]))["leaf"] == entries[0]["leaf"]


def test_a_suspension_is_undone_by_a_reinstatement(ada: Staff, company: Company) -> None:
    device = company.device()
    scope = ("--device", device.id, "--capability", CAPABILITY)
    order = ada.ask("suspend", *scope, "--reason-code", "misuse_reported", "--reason", "Reported by two people.")
    because = ("--reason-code", "review_ended", "--reason", "It was another device.")
    assert ada.ask("reinstate", order["id"], *because)["undoes"] == order["id"]
    kinds = {found["kind"] for found in ada.ask("orders", "list", "--device", device.id)["items"]}
    assert kinds == {"suspend", "reinstate"}


def test_a_plan_is_issued_and_renewed(ada: Staff, company: Company) -> None:
    device = company.device()
    issued = ada.ask("issue", device.id, "--plan", company.plan)
    renewed = ada.ask("renew", device.id)
    assert renewed["version"] > issued["version"]
    versions = [found["version"] for found in ada.ask("devices", "entitlements", device.id)["items"]]
    assert versions[-2:] == [issued["version"], renewed["version"]]
    table = ada.run("devices", "entitlements", device.id).out
    assert renewed["jti"] in table
    assert f"av.record, {CAPABILITY}" in table


def test_an_enrolment_token_is_withdrawn(ada: Staff, company: Company) -> None:
    made = company.token()
    assert ada.ask("devices", "withdraw", made["id"])["revoked_at"] is not None
    listed = {found["id"]: found for found in ada.ask("devices", "tokens", "--all")["items"]}
    assert "token" not in listed[made["id"]]
