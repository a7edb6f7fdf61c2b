"""``interlock audit search``: quick, because the server looks; what it answers is held against its own hashes."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from licensing_protocol.canonical import encode, from_base64url
from licensing_protocol.errors import BrokenChain, InterlockError
from licensing_protocol.log.commitment import verify_commitment
from licensing_server.auditing.commands.exporting import asked, begin_export
from licensing_server.auditing.commands.options import add_query, query_of
from licensing_server.auditing.commands.output import Output, instant
from licensing_server.auditing.commands.parser import PROGRAM, Command, ExitCode, add_server, server_of
from licensing_server.auditing.errors import Discrepancy, SourceUnreachable
from licensing_server.auditing.records import Record
from licensing_server.auditing.server import Server

_ENTRIES: Final = "/v1/log/entries"
_PAGE: Final = 200
_HELD: Final = "held"
_ERASED: Final = "erased"
_ERASURE: Final = "value.erased"
_MEMBERS: Final = ("index", "type", "time", "actor", "subject", "data")
_HELP = """\
Ask the server for entries: by who acted, on what, what kind of act, when, and text in it.

The server looks, so it is quick, and the server can leave things out: what is found is shown from the hashed bytes
themselves, and  interlock audit prove  or  bundle  proves it. Values that an entry only commits to are shown where the
server shows them, held against the commitment; one that was erased is called so, with the entry that says so: a server
that only hides a value has none to show.

With --all it takes out everything that fits: an act, which the server enters first as log.exported."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry, and the values beside it that it commits to: held, erased, or withheld from this reader."""

    record: Record
    values: tuple[dict[str, Any], ...]


def _configure(parser: argparse.ArgumentParser) -> None:
    add_query(parser)
    text = "most entries to show (default: 100)"
    parser.add_argument("--limit", metavar="COUNT", type=_count, default=100, help=text)
    parser.add_argument("--all", action="store_true", help="show everything, however long the list is")
    parser.add_argument("--cursor", metavar="CURSOR", help="go on where an earlier search ended")
    add_server(parser)


def _run(arguments: argparse.Namespace, output: Output) -> int:
    server = server_of(arguments, arguments.server)
    wanted = None if arguments.all else arguments.limit
    query = query_of(arguments)
    path, given = (begin_export(server, "search", query), {}) if arguments.all else (_ENTRIES, asked(query))
    found, following = _search(server, path, given, wanted, arguments.cursor)
    found = [_with_erasures(server, one) for one in found]
    items = [_members(one.record) | {"values": list(one.values)} for one in found]
    sentences = [line for one in found for line in _lines(one)] or ["Nothing found."]
    output.result({"items": items, "next": following}, sentences)
    if following is not None:
        output.note(f"There is more: repeat with --all, or with --cursor {following}")
    return ExitCode.DONE


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("a count is 1 or more")
    return count


def _search(
    server: Server, path: str, query: dict[str, Any], most: int | None, cursor: str | None
) -> tuple[list[Found], str | None]:
    found: list[Found] = []
    while True:
        limit = _PAGE if most is None else min(_PAGE, most - len(found))
        page = server.get_object(path, cursor=cursor, limit=limit, **query)
        items, following = page.get("items"), page.get("next")
        if not isinstance(items, list) or not isinstance(following, str | None):
            raise SourceUnreachable(f"{server.address} did not answer as a licensing server.")
        found += map(_found, items)
        if any(one.record.index >= other.record.index for one, other in pairwise(found[-len(items) - 1 :])):
            sentence = "The server shows entries twice, or out of their order; a search would never end."
            raise Discrepancy(sentence, code="audit.shown")
        cursor = following
        if cursor is None or not items or (most is not None and len(found) >= most):
            return found, cursor


def _found(item: Any) -> Found:
    """Read an entry from its exact bytes; Discrepancy where the answer says something else beside them."""
    try:
        index, body, leaf = item["index"], from_base64url(item["body"]), from_base64url(item["leaf"])
        record = Record.parse(index, body)
        same = type(index) is int and _members(record) == {name: item[name] for name in _MEMBERS}
        values = tuple(_value(record, value) for value in item["values"])
    except BrokenChain as error:
        sentence = f"The server shows a value beside entry {index} that is not the one of the entry: {error}"
        raise Discrepancy(sentence, code=error.code, index=index) from error
    except (KeyError, TypeError, InterlockError) as error:
        raise SourceUnreachable("The server answered with something that is no entry.") from error
    if not same or record.leaf != leaf:
        sentence = f"The server shows entry {index} otherwise than its own bytes say."
        raise Discrepancy(sentence, code="audit.shown", index=index)
    return Found(record, values)


def _value(record: Record, shown: Any) -> dict[str, Any]:
    """Return a value that lies beside the log, held against the entry's commitment where the server still has it."""
    field, state = str(shown["field"]), str(shown["state"])
    if state != _HELD:
        return {"field": field, "state": state}
    committed, salt = from_base64url(record.data[field]), from_base64url(shown["salt"])
    verify_commitment(committed, record.type, field, salt, shown["value"])
    return {"field": field, "state": state, "value": shown["value"]}


def _with_erasures(server: Server, found: Found) -> Found:
    """Say of each value that is shown as erased which entry says so: who hides a value without that shows none."""
    index, values = found.record.index, found.values
    if all(value["state"] != _ERASED for value in values):
        return found
    asked_for = {"type": _ERASURE, "subject": f"entry:{index}"}
    acts = [one.record for one in _search(server, _ENTRIES, asked_for, _PAGE, None)[0]]
    said = {act.data.get("field"): act.index for act in acts if (act.type, act.data.get("index")) == (_ERASURE, index)}
    erased = (value | {"entry": said.get(value["field"])} if value["state"] == _ERASED else value for value in values)
    return replace(found, values=tuple(erased))


def _members(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _MEMBERS}


def _lines(found: Found) -> list[str]:
    record = found.record
    data = encode(record.data).decode()
    line = f"{record.index}  {instant(record.time)}  {record.type}  by {record.actor}  on {record.subject}  {data}"
    return [line, *(f"    {value['field']}: {_told(value)}" for value in found.values)]


def _told(value: dict[str, Any]) -> str:
    if value["state"] != _ERASED:
        return str(value.get("value", value["state"]))
    entry = value["entry"]
    return f"{_ERASED}, and no entry says so yet" if entry is None else f"{_ERASED}, as entry {entry} says"


SEARCH = Command(
    "search", _HELP, f"{PROGRAM} search --type order. --since 2026-03-01 --until 2026-04-01", _configure, _run
)
