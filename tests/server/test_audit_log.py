"""Every act is in the log, by the transaction that does it; the log has one order, exact bytes and no names."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from licensing_protocol.canonical import decode_object, encode, from_base64url
from licensing_protocol.log.commitment import commitment
from licensing_protocol.log.merkle import leaf_hash
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_server import clock
from licensing_server.audit_log.tables import CommittedValue, LogEntry
from licensing_server.web import Role
from licensing_server.web.guard import RoleGuard
from tests.server.acts import acts
from tests.server.exporter import Exporter
from tests.server.log_reader import believing, fill
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
    events = [("position.implausible", {"speed_mps": 987654321}), ("acme.seen", {"plate": "AB-123-CD"})]
    exporter.check_in(device, events=events)
    exporter.order("suspend", scope={"device": device.id, "capability": "av.record"})
    case = exporter.get("/v1/alerts")["items"][0]["id"]
    exporter.post(f"/v1/alerts/{case}/closing", {"note": "Told by Ms Informer."})
    exporter.settle()
    everything = b"".join(from_base64url(entry["body"]) for entry in _entries(exporter, 0)).decode()
    for secret in (
        "Ministry",
        "Ada",
        "Only ",
        "journalists",
        "Informer",
        "AB-123-CD",
        "987654321",
        exporter.administrator,
    ):
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


def test_entries_are_found_by_what_stands_in_them_as_far_as_the_role_sees(exporter: Exporter) -> None:
    exporter.post("/v1/parties", {"name": 'The "Grove" Office_1', "country": "FR"})
    exporter.settle()

    def found(text: str, role: Role, **more: Any) -> set[str]:
        query = urlencode({"text": text} | more)
        return {entry["type"] for entry in exporter.get(f"/v1/log/entries?{query}", role)["items"]}

    assert found('"grove" office_1', Role.AUDITOR) == found("GROVE", Role.COMPLIANCE) == {"party.added"}
    assert found("grove", Role.ADMINISTRATOR) == set()
    assert found("only vendor", Role.ADMINISTRATOR) == found("Only Vendor", Role.AUDITOR) == {"person.added"}
    assert found("only vendor", Role.COMPLIANCE) == set()
    assert found("office%1", Role.AUDITOR) == found("officex1", Role.AUDITOR) == set()
    # The body itself is for all of them.
    assert found(exporter.end_user, Role.ADMINISTRATOR) == {"party.added"}
    assert found("party.added", Role.ADMINISTRATOR, until=clock.now() - 1000) == set()
    assert found("party.added", Role.ADMINISTRATOR, since=clock.now() - 1000, until=clock.now()) == {"party.added"}


def test_a_search_goes_on_where_it_ended_while_the_log_grows(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    fill(exporter.database, 7)
    exporter.settle()
    seen: list[int] = []
    cursor = ""
    while True:
        page = exporter.get(f"/v1/log/entries?type=test.&text=filled&limit=3{cursor}", Role.AUDITOR)
        seen += [entry["index"] for entry in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
        if len(seen) < 9:
            fill(exporter.database, 1)
            exporter.settle()
    assert len(seen) == len(set(seen)) == 9
    assert seen == sorted(seen)


def test_what_is_erased_is_gone_and_the_proof_still_verifies(exporter: Exporter) -> None:
    party = exporter.post("/v1/parties", {"name": "Office of Lakes", "country": "FR"})["id"]
    exporter.settle()
    (entry,) = exporter.get(f"/v1/log/entries?subject={party}", Role.AUDITOR)["items"]
    (value,) = entry["values"]
    assert (value["field"], value["state"], value["value"]) == ("name", "held", "Office of Lakes")
    committed = commitment("party.added", "name", from_base64url(value["salt"]), value["value"])
    assert from_base64url(entry["data"]["name"]) == committed
    withheld = exporter.get(f"/v1/log/entries/{entry['index']}", Role.ADMINISTRATOR)["values"]
    assert withheld == [{"field": "name", "state": "withheld", "salt": None, "value": None}]
    path, reason = f"/v1/log/entries/{entry['index']}/values/name/erasure", {"reason": "The office asked for it."}
    assert exporter.ask("POST", path, Role.ADMINISTRATOR, json=reason).json()["code"] == "role.missing"
    assert exporter.ask("POST", path, json=reason).status_code == 204
    assert exporter.ask("POST", path, json=reason).json()["code"] == "value.erased"
    exporter.settle()
    after = exporter.get(f"/v1/log/entries/{entry['index']}", Role.AUDITOR)
    assert after["values"] == [{"field": "name", "state": "erased", "salt": None, "value": None}]
    assert {name: after[name] for name in after if name != "values"} == {
        name: entry[name] for name in entry if name != "values"
    }
    proof = TlogProof.parse(exporter.ask("GET", f"/v1/log/entries/{entry['index']}/proof", Role.AUDITOR).content)
    proof.verify(from_base64url(after["body"]), believing(exporter))
    (erasure,) = exporter.get("/v1/log/entries?type=value.erased", Role.AUDITOR)["items"]
    assert (erasure["subject"], erasure["actor"]) == (f"entry:{entry['index']}", exporter.people[Role.COMPLIANCE])
    assert {name: erasure["data"][name] for name in ("index", "field")} == {"index": entry["index"], "field": "name"}
    assert erasure["values"][0]["value"] == reason["reason"]
    with exporter.database.read() as session:
        kept = select(CommittedValue.salt, CommittedValue.value).join(LogEntry, LogEntry.id == CommittedValue.entry)
        assert session.execute(kept.where(LogEntry.subject == party)).all() == [(None, None)]


def test_the_name_of_a_person_is_erased_by_an_administrator(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.settle()
    person = exporter.people[Role.VENDOR]
    (entry,) = exporter.get(f"/v1/log/entries?subject={person}&type=person.added", Role.ADMINISTRATOR)["items"]
    path, reason = f"/v1/log/entries/{entry['index']}/values/name/erasure", {"reason": "They left years ago."}
    assert exporter.ask("POST", path, Role.COMPLIANCE, json=reason).json()["code"] == "role.missing"
    assert exporter.ask("POST", path, Role.ADMINISTRATOR, json=reason).status_code == 204
    unknown = exporter.ask("POST", path.replace("/name/", "/age/"), Role.ADMINISTRATOR, json=reason)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "value.unknown")


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
