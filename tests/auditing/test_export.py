"""What is exported can be read by the programs it is for, harms none of them, and says where it comes from."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing_protocol.canonical import decode_object
from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.merkle import leaf_hash
from licensing_server.auditing import Discrepancy, verify_log
from licensing_server.auditing.formats import Provenance, to_cef, to_csv, to_jsonl
from licensing_server.auditing.ocsf import VERSION, event, to_ocsf
from licensing_server.auditing.records import Record, records
from tests.auditing.test_commands import audit
from tests.simulators.published_log import BEGUN, Files, PublishedLog, entries, entry

HERE = Path(__file__).parent
SCHEMA = jsonschema_rs.Draft202012Validator(
    json.JSONDecoder().decode((HERE / f"ocsf-{VERSION}-entity_management.json").read_text())
)
PROVENANCE = Provenance("exporter.example/log", 42)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
RECORDS = st.builds(
    lambda kind, actor, subject, note, time: Record.parse(
        7, entry(0, type=kind, actor=actor, subject=subject, time=time, data={"note": note})
    ),
    *(TEXTS, TEXTS, TEXTS, TEXTS, st.integers(0, 2**40)),
)
TYPES = ["device.tagged", "order.placed", "log.value_erased", "person.roles_set", "odd"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return PublishedLog(entries(300)).write(tmp_path / "log")


def export(log: Path, form: str, *arguments: str) -> str:
    shown = audit("export", "--from", log, "--policy", log / "policy", "--format", form, *arguments)
    assert (shown.code, shown.err) == (0, "")
    return shown.out


def test_json_lines_hold_the_entry_and_where_it_stands(log: Path) -> None:
    lines = export(log, "jsonl", "--subject", "device_3").splitlines()
    assert len(lines) == 43
    first = decode_object(lines[0].encode())
    assert (first["index"], first["checkpoint_size"], first["origin"]) == (3, 300, "exporter.example/log")
    assert first["leaf_hash"] == to_base64(leaf_hash(entries(4)[3]))
    assert first["entry"]["data"] == {"number": 3}


def test_a_spreadsheet_reads_the_rows(log: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(export(log, "csv"))))
    assert [row["index"] for row in rows] == [str(number) for number in range(300)]
    assert (rows[0]["time"], rows[0]["checkpoint_size"]) == ("2026-02-25T06:13:20Z", "300")


@given(RECORDS)
def test_no_cell_is_a_formula_and_none_is_lost(record: Record) -> None:
    ((_origin, _index, _leaf, _size, _time, kind, actor, subject, data),) = csv.reader(
        io.StringIO(to_csv(record, PROVENANCE), newline="")
    )
    for cell, meant in ((kind, record.type), (actor, record.actor), (subject, record.subject)):
        assert cell.removeprefix("'") == meant.removeprefix("'")
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert decode_object(data.encode()) == record.data


@pytest.mark.parametrize(
    "cell", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\uff1d1", "\0=1", " =1", "\u200b\xa0@1"]
)
def test_a_formula_is_written_as_text(cell: str) -> None:
    record = Record.parse(0, entry(0, actor=cell))
    (row,) = csv.reader(io.StringIO(to_csv(record, PROVENANCE), newline=""))
    assert row[6] == f"'{cell}"


@pytest.mark.parametrize("kind", TYPES)
def test_an_event_keeps_to_the_published_schema(kind: str) -> None:
    made = event(Record.parse(9, entry(9, type=kind)), PROVENANCE)
    SCHEMA.validate(made)
    assert made["metadata"]["version"] == VERSION
    assert made["type_uid"] == made["class_uid"] * 100 + made["activity_id"]
    assert made["time"] == (BEGUN + 9) * 1000
    assert made["unmapped"] == PROVENANCE.of(Record.parse(9, entry(9, type=kind)))


@given(RECORDS)
def test_every_event_keeps_to_the_schema(record: Record) -> None:
    SCHEMA.validate(decode_object(to_ocsf(record, PROVENANCE).encode()))


@pytest.mark.parametrize("time", [2**53 - 1, 1 - 2**53])
def test_an_event_of_no_time_that_there_is_is_written_all_the_same(time: int) -> None:
    record = Record.parse(0, entry(0, time=time))
    made = decode_object(to_ocsf(record, PROVENANCE).encode())
    SCHEMA.validate(made)
    assert (made["time"] > 0) == (time > 0)
    assert decode_object(made["raw_data"].encode())["time"] == time


def test_the_schema_refuses_what_is_no_such_event() -> None:
    made: dict[str, Any] = event(Record.parse(0, entry(0)), PROVENANCE)
    for broken in (made | {"time": "now"}, made | {"own": 1}, {**made, "entity": {}}, made | {"activity_id": 55}):
        assert not SCHEMA.is_valid(broken)


def _cef(line: str) -> tuple[list[str], dict[str, str]]:
    """Read a line as the format's specification says."""
    parts = re.split(r"(?<!\\)(?:\\\\)*\|", line.rstrip("\n"), maxsplit=7)
    spots = [found.start(1) for found in re.finditer(r"(?:^| )([A-Za-z0-9]+)=", parts[7])]
    values = {}
    for begin, end in zip(spots, [*(spot - 1 for spot in spots[1:]), len(parts[7])], strict=True):
        name, _equals, value = parts[7][begin:end].partition("=")
        values[name] = re.sub(r"\\(.)", lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), value)
    return parts[:7], values


def test_cef_escapes_what_would_end_a_field(log: Path) -> None:
    nasty = Record.parse(7, entry(0, type="a|b\\c\nd", actor="x=1 suid=root", subject="back\\slash\nline|pipe"))
    line = to_cef(nasty, PROVENANCE)
    assert line.count("\n") == 1
    head, values = _cef(line)
    assert head[4] == "a\\|b\\\\c d"
    assert (values["suid"], values["cs1"]) == ("x=1 suid=root", "back\\slash\nline|pipe")
    assert (values["externalId"], values["cn1"], values["cs2"]) == ("7", "42", PROVENANCE.origin)
    assert len(export(log, "cef", "--text", '"number":12').splitlines()) == 11


@given(RECORDS)
def test_every_line_is_one_line(record: Record) -> None:
    for write in (to_cef, to_jsonl, to_ocsf):
        line = write(record, PROVENANCE)
        assert (line[-1], line.count("\n")) == ("\n", 1)


def test_a_log_that_does_not_hold_is_not_exported(log: Path, tmp_path: Path) -> None:
    (log / "tile/0/000").write_bytes(bytes(8192))
    out = tmp_path / "out.csv"
    shown = audit("export", "--from", log, "--policy", log / "policy", "--format", "csv", "--out", out, "--json")
    assert (shown.code, shown.failure["code"]) == (1, "audit.tile")
    assert not out.exists()


@pytest.mark.parametrize("at", [5, -1], ids=["the first entry", "the last"])
def test_what_changes_after_it_was_verified_is_not_exported(at: int) -> None:
    published = PublishedLog(entries(300))
    files = Files(published.files())
    verified = verify_log(files, published.policy.verify)
    files.change("tile/entries/001.p/44", at)
    found = records(files, verified)
    assert [next(found).index for _ in range(256)] == list(range(256))
    with pytest.raises(Discrepancy) as caught:
        next(found)
    assert (caught.value.code, caught.value.place, caught.value.index) == ("audit.moved", "tile/entries/001.p/44", 256)


def test_an_entry_that_is_none_of_this_kind_of_log_is_named() -> None:
    for body in (b"", b"[]", b"{}", entry(0, time="now"), entry(0, actor=1), entry(0, data=[]), entry(0, time=True)):
        with pytest.raises(Discrepancy) as caught:
            Record.parse(4, body)
        assert (caught.value.code, caught.value.index) == ("audit.unreadable", 4)


def test_a_file_is_written_once(log: Path, tmp_path: Path) -> None:
    arguments = ("export", "--from", log, "--policy", log / "policy", "--format", "jsonl", "--out", tmp_path / "out")
    assert audit(*arguments, "--json").json["entries"] == 300
    assert audit(*arguments, "--json").failure["code"] == "file.exists"
