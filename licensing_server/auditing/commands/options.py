"""Options of the commands that read entries: which log, which entries, and from when to when."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from licensing_server.auditing.commands.output import Output
from licensing_server.auditing.commands.parser import Misused, add_token
from licensing_server.auditing.records import Query

# The largest number that an entry can hold.
_LAST: Final = 2**53 - 1
_MOST_SHOWN: Final = 40


def add_from(parser: argparse.ArgumentParser) -> None:
    """Add where the log is."""
    default = os.environ.get("INTERLOCK_SERVER", "http://127.0.0.1:8470")
    text = "folder with the log's files, or the log's address (default: INTERLOCK_SERVER)"
    parser.add_argument("--from", dest="source", metavar="SOURCE", default=default, help=text)
    add_token(parser)


def add_query(parser: argparse.ArgumentParser) -> None:
    """Add what is looked for."""
    parser.add_argument("--actor", metavar="ID", help="only acts of this person or system")
    parser.add_argument("--subject", metavar="ID", help="only acts on this thing")
    parser.add_argument("--type", metavar="TYPE", help="only this type of act, or with a dot a family: order.")
    text = "only from this time on: 2026-03-01, 2026-03-01T12:00Z, or seconds since 1970 UTC"
    parser.add_argument("--since", metavar="TIME", help=text)
    parser.add_argument("--until", metavar="TIME", help="only before this time")
    parser.add_argument("--text", metavar="TEXT", help="only entries in which this text stands, in capitals or not")


def add_order(parser: argparse.ArgumentParser) -> None:
    """Add an order, with all that became of it."""
    parser.add_argument("--order", metavar="ID", help="only this order, and what became of it: appeals, reinstatement")


def query_of(arguments: argparse.Namespace) -> Query:
    """Return what is looked for."""
    return Query(
        actor=arguments.actor,
        subject=arguments.subject,
        type=arguments.type,
        since=seconds(arguments.since),
        until=seconds(arguments.until),
        text=arguments.text,
        order=getattr(arguments, "order", None),
    )


def seconds(text: str | None) -> int | None:
    """Read an instant from 1970 on; without a zone it is UTC. Misused ``audit.time``."""
    if text is None:
        return None
    try:
        found = int(text) if text.isascii() and text.isdecimal() else _instant(text)
    except (ValueError, OverflowError):
        found = -1
    if not 0 <= found <= _LAST:
        sentence = f"{text[:_MOST_SHOWN]!r} is no time from 1970 on such as 2026-03-01 or 2026-03-01T12:00Z."
        raise Misused(sentence, code="audit.time")
    return found


def _instant(text: str) -> int:
    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def write_new(folder: Path, files: Mapping[str, bytes], output: Output) -> None:
    """Write files into a folder that is new or empty; Misused ``file.exists``."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Misused(f"{folder} is there already; name a new folder.", code="file.exists")
    for done, (name, data) in enumerate(files.items(), 1):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        output.told(done, len(files))
