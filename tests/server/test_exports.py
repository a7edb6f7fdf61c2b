"""An export is an act: who takes the record out is in it first, and gets what that entry says."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sqlalchemy import text

from licensing_server.web import Role
from tests.server.exporter import Exporter
from tests.server.log_reader import fill

EXPORTS = "/v1/log/exports"


def begin(exporter: Exporter, role: Role = Role.AUDITOR, **wanted: Any) -> Any:
    return exporter.post(EXPORTS, {"form": "jsonl"} | wanted, role)


def taken(exporter: Exporter, export: Any, role: Role = Role.AUDITOR, limit: int = 200) -> list[Any]:
    """Return every entry of an export, page by page."""
    return exporter.all(f"{EXPORTS}/{export['id']}/entries", role, limit=limit)


def entries_of(exporter: Exporter, **query: Any) -> list[Any]:
    exporter.settle()
    return exporter.all(f"/v1/log/entries?{urlencode(query)}", Role.AUDITOR)


def test_one_export_is_one_entry_however_many_pages_it_has(exporter: Exporter) -> None:
    before = entries_of(exporter)
    export = begin(exporter)
    assert taken(exporter, export, limit=7) == before
    assert (export["begin"], export["end"]) == (0, len(before))
    (entry,) = entries_of(exporter, type="log.exported")
    assert (entry["actor"], entry["subject"]) == (exporter.people[Role.AUDITOR], export["id"])
    assert entry["data"] == {"form": "jsonl", "begin": 0, "end": len(before)}
    assert entry["index"] == len(before)
    # What came later is not what was said to be taken.
    assert taken(exporter, export) == before


def test_an_export_holds_what_its_entry_says_and_nothing_else(exporter: Exporter) -> None:
    exporter.device()
    order = exporter.order("suspend", scope={"everywhere": True, "capability": "av.record"})["id"]
    everything = entries_of(exporter)
    found = begin(exporter, type="order.", begin=3, end=len(everything) - 1)
    assert taken(exporter, found) == [entry for entry in everything[3:-1] if entry["type"].startswith("order.")]
    (said,) = entries_of(exporter, subject=found["id"])
    assert said["data"] == {"form": "jsonl", "begin": 3, "end": len(everything) - 1, "type": "order."}
    of_order = taken(exporter, begin(exporter, order=order))
    assert {entry["type"] for entry in of_order} >= {"order.placed", "order.in_force"}
    assert all(entry["subject"] == order or entry["data"]["order"] == order for entry in of_order)
    actor = exporter.people[Role.VENDOR]
    assert {entry["actor"] for entry in taken(exporter, begin(exporter, actor=actor))} == {actor}


def test_values_go_out_with_an_export_to_the_roles_that_see_them(exporter: Exporter) -> None:
    exporter.settle()
    for role, seen in ((Role.AUDITOR, "held"), (Role.COMPLIANCE, "held"), (Role.ADMINISTRATOR, "withheld")):
        (entry,) = taken(exporter, begin(exporter, role, type="party.added"), role)
        assert [value["state"] for value in entry["values"]] == [seen]


def test_an_export_is_read_by_whoever_began_it(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    export = begin(exporter)
    for path in (f"{EXPORTS}/{export['id']}/entries", f"{EXPORTS}/export_none/entries"):
        refused = exporter.ask("GET", path, Role.COMPLIANCE)
        assert (refused.status_code, refused.json()["code"]) == (404, "export.unknown")


def test_what_somebody_looked_for_is_a_value_that_can_be_erased(exporter: Exporter) -> None:
    exporter.settle()
    export = begin(exporter, text="ministry")
    assert [entry["type"] for entry in taken(exporter, export)] == ["party.added"]
    (entry,) = entries_of(exporter, type="log.exported")
    assert "ministry" not in str(entry["data"]).lower()
    path = f"/v1/log/entries/{entry['index']}/values/text/erasure"
    exporter.ask("POST", path, json={"reason": "It named somebody."})
    refused = exporter.ask("GET", f"{EXPORTS}/{export['id']}/entries", Role.AUDITOR)
    assert (refused.status_code, refused.json()["code"]) == (409, "export.erased")


def test_an_export_of_what_is_not_there_yet_is_refused(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    fill(exporter.database, 5)
    exporter.settle()
    size = len(entries_of(exporter))
    for wanted in ({"end": size + 1}, {"begin": size + 1}, {"begin": 3, "end": 2}):
        refused = exporter.ask("POST", EXPORTS, Role.AUDITOR, json={"form": "csv"} | wanted)
        assert (refused.status_code, refused.json()["code"]) == (422, "export.range")
    assert entries_of(exporter, type="log.exported") == []
    assert taken(exporter, begin(exporter, begin=size, end=size)) == []


def test_an_export_that_cannot_be_entered_does_not_begin(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.settle()
    with exporter.database.write() as session:
        session.execute(
            text("CREATE TRIGGER no_entry BEFORE INSERT ON log_entry BEGIN SELECT RAISE(ABORT, 'none'); END")
        )
    refused = exporter.ask("POST", EXPORTS, Role.AUDITOR, json={"form": "csv"})
    assert (refused.status_code, set(refused.json()) & {"id", "begin", "end"}) == (409, set())
    with exporter.database.write() as session:
        session.execute(text("DROP TRIGGER no_entry"))
    assert entries_of(exporter, type="log.exported") == []
