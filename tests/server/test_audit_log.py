"""Every act is in the log, by the transaction that does it; the log has one order, exact bytes and no names."""

from __future__ import annotations

from typing import Any

from licensing_protocol.canonical import decode_object, encode, from_base64url
from licensing_protocol.log.merkle import leaf_hash
from licensing_server import clock
from licensing_server.web import Role
from licensing_server.web.guard import RoleGuard
from tests.server.acts import acts
from tests.server.exporter import Exporter
from tests.server.test_routes import PREVIEWED, guards

READ_ONLY = set(PREVIEWED)
ELSEWHERE = {"POST /v1/restoration/acceptance"}
"""Needs a restored database: see test_accounts."""


def test_every_act_leaves_its_entries_and_a_refused_one_leaves_none(exporter: Exporter) -> None:
    examples = acts(exporter)
    changing = {
        name
        for name, guard in guards(exporter)
        if isinstance(guard, RoleGuard) and not name.startswith("GET") and name not in READ_ONLY | ELSEWHERE
    }
    assert {act.route for act in examples} == changing
    size = len(_entries(exporter, 0))
    for act in examples:
        refused = act.send_refused(exporter)
        assert 400 <= refused.status_code < 500, (act.route, refused.text)
        assert _entries(exporter, size) == [], act.route
        done = act.send(exporter)
        assert done.status_code in {200, 201, 204}, (act.route, done.text)
        left = _entries(exporter, size)
        size += len(left)
        assert [entry["type"] for entry in left if entry["actor"] != "system"] == list(act.entries), act.route
        assert left[0]["actor"] == exporter.people[act.role]


def test_the_index_is_contiguous_and_the_exact_bytes_are_kept(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.check_in(device)
    entries = _entries(exporter, 0)
    assert [entry["index"] for entry in entries] == list(range(len(entries)))
    for entry in entries:
        body = from_base64url(entry["body"])
        parsed = decode_object(body)
        assert encode(parsed) == body
        assert leaf_hash(body) == from_base64url(entry["leaf"])
        assert set(parsed) == {"v", "type", "time", "actor", "subject", "data"}
        assert {name: parsed[name] for name in set(parsed) - {"v"}} == {
            name: entry[name] for name in set(parsed) - {"v"}
        }
        assert exporter.get(f"/v1/log/entries/{entry['index']}", Role.AUDITOR) == entry


def test_the_log_holds_no_name_text_or_position(exporter: Exporter) -> None:
    device = exporter.device()
    events = [("position.implausible", {"speed_mps": 900}), ("acme.seen", {"plate": "AB-123-CD"})]
    exporter.check_in(device, events=events)
    exporter.order("suspend", scope={"device": device.id, "capability": "av.record"})
    case = exporter.get("/v1/alerts")["items"][0]["id"]
    exporter.post(f"/v1/alerts/{case}/closing", {"note": "Told by Ms Informer."})
    exporter.settle()
    everything = b"".join(from_base64url(entry["body"]) for entry in _entries(exporter, 0)).decode()
    for secret in ("Ministry", "Ada", "Only ", "journalists", "Informer", "AB-123-CD", "900", exporter.administrator):
        assert secret not in everything


def test_entries_are_found_by_type_subject_actor_and_time(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()

    def found(query: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = exporter.get(f"/v1/log/entries?limit=200&{query}", Role.AUDITOR)["items"]
        return items

    assert [entry["type"] for entry in found("type=device.enrolled")] == ["device.enrolled"]
    assert {entry["type"] for entry in found("type=token.")} == {"token.issued"}
    assert found("type=toke_.") == found("type=%25.") == []
    assert {entry["subject"] for entry in found(f"subject={device.id}")} == {device.id}
    assert {entry["actor"] for entry in found(f"actor={exporter.people[Role.VENDOR]}")} == {
        exporter.people[Role.VENDOR]
    }
    assert found(f"since={clock.now() + 1000}") == []
    assert exporter.ask("GET", "/v1/log/entries/999999", Role.AUDITOR).json()["code"] == "entry.unknown"


def test_an_act_too_large_to_be_recorded_does_not_happen(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    tags = [f"tag-{number:05d}-{'x' * 45}" for number in range(1200)]
    refused = exporter.ask("PUT", f"/v1/devices/{device.id}/tags", json={"tags": tags}, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (422, "log.entry_too_large")
    assert exporter.get(f"/v1/devices/{device.id}")["tags"] == []


def _entries(exporter: Exporter, since: int) -> list[dict[str, Any]]:
    """Return the entries from one index on."""
    exporter.settle()
    return exporter.all("/v1/log/entries", Role.AUDITOR, since - 1)
