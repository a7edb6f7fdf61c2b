"""Who erases a value says so in the log; who only hides it is seen to say nothing."""

from __future__ import annotations

import time

import httpx2

from licensing_protocol.canonical import encode, to_base64url
from licensing_server.auditing.records import Record
from tests.auditing.conftest import Audited
from tests.auditing.test_commands import audit
from tests.auditing.test_live import ask, settled
from tests.simulators.published_log import entry
from tests.simulators.web import Web


def test_the_entry_that_says_so_is_named(audited: Audited) -> None:
    party = audited.staff.ask("parties", "add", "Ministry of Ponds", "--country", "FR")["id"]
    settled(audited, about=party)
    (found,) = ask(audited, "search", "--subject", party).json["items"]
    headers = {"Authorization": f"Bearer {audited.token.read_text().strip()}"}
    path = f"{audited.address}/v1/log/entries/{found['index']}/values/name/erasure"
    assert httpx2.post(path, headers=headers, json={"reason": "The ministry asked for it."}).status_code == 204
    until = time.monotonic() + 20
    shown = None
    while shown is None and time.monotonic() < until:
        (value,) = ask(audited, "search", "--subject", party).json["items"][0]["values"]
        shown = value["entry"]
    (act,) = ask(audited, "search", "--type", "value.erased", "--subject", f"entry:{found['index']}").json["items"]
    assert value == {"field": "name", "state": "erased", "entry": act["index"]}
    members = {"INTERLOCK_SERVER": audited.address, "INTERLOCK_TOKEN_FILE": str(audited.token)}
    told = audit("search", "--subject", party, **members).out
    assert told.endswith(f"\n    name: erased, as entry {act['index']} says\n")


def test_a_value_that_was_only_hidden_is_told_as_that() -> None:
    record = Record.parse(4, entry(4, type="party.added", data={"name": "x"}))
    shown = {name: getattr(record, name) for name in ("index", "type", "time", "actor", "subject", "data")}
    shown |= {"body": to_base64url(record.body), "leaf": to_base64url(record.leaf)}
    # It answers to every question with the same entry, which is no erasure.
    page = {"items": [shown | {"values": [{"field": "name", "state": "erased"}]}], "next": None}
    with Web({"/v1/log/entries": encode(page)}).serving() as web:
        assert audit("search", "--server", web.address).out.endswith("\n    name: erased, and no entry says so yet\n")
        (item,) = audit("search", "--server", web.address, "--json").json["items"]
    assert item["values"] == [{"field": "name", "state": "erased", "entry": None}]
