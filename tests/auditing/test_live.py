"""The auditor's tools against a running server: what it shows over HTTP is what they verify."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx2

from licensing_protocol.canonical import encode, to_base64url
from licensing_protocol.log.commitment import commitment
from licensing_protocol.log.merkle import leaf_hash
from licensing_protocol.log.tiles import Tile
from licensing_server.auditing.records import Record
from tests.auditing.conftest import Audited
from tests.auditing.test_commands import audit
from tests.cli.command_line import Answer, process
from tests.simulators.published_log import PublishedLog, entries, entry
from tests.simulators.web import Web


def ask(audited: Audited, *arguments: str | Path) -> Answer:
    members = {"INTERLOCK_SERVER": audited.address, "INTERLOCK_TOKEN_FILE": str(audited.token)}
    return audit(*arguments, "--json", **members)


def settled(audited: Audited, *, about: str = "", more_than: int = 0) -> int:
    """Wait until what has an index is below the checkpoint, something about this subject and more than so many entries
    among it; return its size."""
    for _ in range(200):
        items = ask(audited, "search", "--limit", "1000").json["items"]
        found = ask(audited, "verify", audited.address, "--policy", audited.policy)
        is_there = not about or about in {item["subject"] for item in items}
        if is_there and found.code == 0 and found.json["size"] >= max(len(items), more_than + 1):
            size: int = found.json["size"]
            return size
        time.sleep(0.1)
    raise AssertionError(found.err)


def published(audited: Audited, folder: Path) -> Path:
    """Return the folder of a server's log, published as files."""
    data = audited.token.parent
    done = process("publish", folder / "www", "--data-dir", data, "--json", INTERLOCK_LOG_PUBLIC="true")
    assert done.code == 0, done.err
    return folder / "www" / "log"


def test_a_server_s_log_holds(audited: Audited, tmp_path: Path) -> None:
    size = settled(audited)
    assert size > 2
    step = ask(audited, "follow", audited.address, "--state", tmp_path / "seen", "--policy", audited.policy, "--once")
    assert step.json["size"] >= size
    audited.staff.ask("parties", "add", "Ministry of Canals", "--country", "FR")
    settled(audited, more_than=step.json["size"])
    again = ask(audited, "follow", audited.address, "--state", tmp_path / "seen", "--policy", audited.policy, "--once")
    assert again.json["new"] >= 1


def test_a_log_that_was_published_as_files_is_verified_without_the_server(audited: Audited, tmp_path: Path) -> None:
    settled(audited)
    held = audit("verify", published(audited, tmp_path), "--policy", audited.policy, "--json")
    assert held.json["size"] > 2, held.err
    found = tmp_path / "www" / "log" / Tile(None, 0, held.json["size"]).path
    found.write_bytes(found.read_bytes().replace(b"party.added", b"party.adder", 1))
    assert (
        audit("verify", tmp_path / "www" / "log", "--policy", audited.policy, "--json").failure["code"] == "audit.entry"
    )


def test_entries_are_found_and_what_is_found_is_proven(audited: Audited, tmp_path: Path) -> None:
    found = ask(audited, "search", "--type", "party.").json["items"]
    # What is found has its index; the checkpoint that covers it comes within a second.
    settled(audited)
    assert [item["type"] for item in found][:2] == ["party.added", "party.added"]
    actor = found[0]["actor"]
    assert len(ask(audited, "search", "--actor", actor, "--all").json["items"]) >= 2
    assert ask(audited, "search", "--text", "party.add").json["items"] == found
    assert ask(audited, "search", "--since", "2100-01-01").json["items"] == []
    assert ask(audited, "search", "--type", "party.", "--until", str(found[0]["time"])).json["items"] == []
    index = str(found[0]["index"])
    made = ask(audited, "prove", index, "--out", tmp_path)
    assert made.code == 0, made.err
    (written,) = made.json["written"]
    held = ask(audited, "verify-proof", written["proof"], "--entry", written["entry"], "--policy", audited.policy)
    assert held.json["index"] == found[0]["index"]
    out = tmp_path / "evidence"
    assert ask(audited, "bundle", "--type", "party.", "--out", out, "--policy", audited.policy).code == 0
    assert ask(audited, "verify", out, "--policy", audited.policy).json["entries"] == [item["index"] for item in found]


def test_a_value_is_held_against_its_commitment_and_one_that_was_erased_is_called_so(audited: Audited) -> None:
    party = audited.staff.ask("parties", "add", "Ministry of Lakes", "--country", "FR")["id"]
    settled(audited, about=party)
    (found,) = ask(audited, "search", "--subject", party).json["items"]
    assert found["values"] == [{"field": "name", "state": "held", "value": "Ministry of Lakes"}]
    headers = {"Authorization": f"Bearer {audited.token.read_text().strip()}"}
    path = f"{audited.address}/v1/log/entries/{found['index']}/values/name/erasure"
    erased = httpx2.post(path, headers=headers, json={"reason": "The ministry asked for it."})
    assert erased.status_code == 204, erased.text
    members = {"INTERLOCK_SERVER": audited.address, "INTERLOCK_TOKEN_FILE": str(audited.token)}
    assert audit("search", "--subject", party, **members).out.rpartition("\n    name: ")[2].startswith("erased, ")
    settled(audited)
    assert ask(audited, "verify", audited.address, "--policy", audited.policy).json["holds"]


def test_a_value_that_is_not_the_committed_one_is_refused() -> None:
    salt = bytes(32)
    body = entry(4, type="party.added", data={"name": to_base64url(commitment("party.added", "name", salt, "Lakes"))})
    record = Record.parse(4, body)
    item: dict[str, Any] = {"index": 4, "body": to_base64url(body), "leaf": to_base64url(record.leaf)}
    item |= {name: getattr(record, name) for name in ("type", "time", "actor", "subject", "data")}
    value = {"field": "name", "state": "held", "salt": to_base64url(salt), "value": "Lakes"}
    web = Web()
    with web.serving():
        for shown, code in ((value, None), (value | {"value": "Parks"}, "commitment.value")):
            web.files["/v1/log/entries"] = encode({"items": [item | {"values": [shown]}], "next": None})
            found = audit("search", "--server", web.address, "--json")
            assert (found.failure["code"] if found.code else None) == code


def test_a_search_goes_on_where_it_ended(audited: Audited) -> None:
    settled(audited)
    whole = ask(audited, "search", "--all").json["items"]
    first = ask(audited, "search", "--limit", "2").json
    rest = ask(audited, "search", "--all", "--cursor", first["next"]).json
    assert first["items"] == whole[:2]
    assert rest["items"][: len(whole) - 2] == whole[2:]


def test_people_read_a_line_for_each_entry(audited: Audited) -> None:
    members = {"INTERLOCK_SERVER": audited.address, "INTERLOCK_TOKEN_FILE": str(audited.token)}
    shown = audit("search", "--type", "party.added", "--limit", "1", **members)
    assert " UTC  party.added  by person_" in shown.out
    assert "--cursor" in shown.err
    assert audit("search", "--type", "nothing.", **members).out == "Nothing found.\n"


def test_a_server_is_not_believed_against_its_own_bytes() -> None:
    body = entry(4)
    item: dict[str, Any] = {
        "index": 4,
        "type": "device.tagged",
        "time": 1_772_000_004,
        "actor": "person_1",
        "subject": "device_4",
    }
    item |= {"data": {"number": 4}, "body": to_base64url(body), "leaf": to_base64url(leaf_hash(body)), "values": []}
    web = Web()
    with web.serving():
        for shown, code in (
            (item, None),
            (item | {"actor": "somebody"}, "audit.shown"),
            (item | {"data": {}}, "audit.shown"),
            (item | {"leaf": to_base64url(bytes(32))}, "audit.shown"),
            (item | {"index": "4"}, "audit.shown"),
            (item | {"body": "!"}, "audit.unreachable"),
            (item | {"values": 7}, "audit.unreachable"),
            (item | {"values": [{"field": "x", "state": "held", "salt": "", "value": 1}]}, "audit.unreachable"),
            ({}, "audit.unreachable"),
            (7, "audit.unreachable"),
        ):
            web.files["/v1/log/entries"] = encode({"items": [shown], "next": None})
            found = audit("search", "--server", web.address, "--json")
            assert (found.failure["code"] if found.code else None) == code
        web.files["/v1/log/entries"] = encode({"items": [item], "next": "again"})
        assert audit("search", "--server", web.address, "--limit", "300", "--json").failure["code"] == "audit.shown"
        for text in (b"no JSON", b"[]", b'{"items":7,"next":null}', b'{"items":[],"next":7}'):
            web.files["/v1/log/entries"] = text
            assert audit("search", "--server", web.address, "--json").failure["code"] == "audit.unreachable"


def test_who_takes_the_record_out_is_in_it_and_who_looks_or_verifies_is_not(audited: Audited, tmp_path: Path) -> None:
    settled(audited)
    source = ("--from", audited.address, "--policy", audited.policy)
    first = ("export", "--format", "cef", "--out", tmp_path / "all.cef", *source)
    assert ask(audited, *first).code == 0
    ask(audited, "verify", audited.address, "--policy", audited.policy)
    ask(audited, "follow", audited.address, "--policy", audited.policy, "--state", tmp_path / "seen", "--once")
    ask(audited, "prove", "1", "--from", audited.address, "--out", tmp_path)
    files = published(audited, tmp_path)
    assert audit("export", "--format", "csv", "--from", files, *source[2:]).code == 0
    assert ask(audited, "export", "--format", "csv", "--out", tmp_path / "all.csv", *source).code == 0
    assert ask(audited, "bundle", "--type", "party.", "--out", tmp_path / "bundle", *source).code == 0
    assert ask(audited, "search", "--all", "--type", "party.").code == 0
    audited.staff.ask("log", "list", "--all", "--type", "party.")
    with Web().serving() as collector:
        forward = ("forward", audited.address, "--to", collector.address, "--state", tmp_path / "sent", *source[2:])
        for _ in range(2):
            assert ask(audited, *forward, "--once").code == 0
    taken = [("cef", None), ("csv", None), ("bundle", "party."), ("search", "party."), ("list", "party.")]
    taken.append(("forward", None))
    deadline = time.monotonic() + 20
    while (found := left(audited))[-len(taken) :] != taken:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def left(audited: Audited) -> list[tuple[str, str | None]]:
    """Return the exports that are in the log: what became of them, and of which type of entries."""
    items = ask(audited, "search", "--type", "log.exported", "--limit", "1000").json["items"]
    return [(item["data"]["form"], item["data"].get("type")) for item in items]


def test_nothing_is_taken_out_that_the_server_does_not_enter(tmp_path: Path) -> None:
    log = PublishedLog(entries(3), witnesses=0)
    policy, token, out = tmp_path / "policy", tmp_path / "token", tmp_path / "out"
    policy.write_text(log.policy_text)
    token.write_text("secret\n")
    web = Web({f"/log/{path}": data for path, data in log.files().items()})
    with web.serving():
        fixed = ("--from", web.address, "--policy", policy, "--out", out, "--json")
        for command in (("export", "--format", "csv"), ("bundle",)):
            refused = audit(*command, *fixed, "--token-file", token)
            assert (refused.code, refused.failure["code"], out.exists()) == (3, "audit.unreachable", False)
        assert audit("search", "--all", "--server", web.address, "--token-file", token, "--json").code == 3
        assert [path for path, _, _ in web.taken] == ["/v1/log/exports"] * 3
        # Without a token it is nobody in particular.
        assert audit("export", "--format", "csv", *fixed).code == 0
        assert len(web.taken) == 3
