"""``interlock audit export``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from licensing_server.auditing.commands.exporting import enter_export
from licensing_server.auditing.commands.options import add_from, add_order, add_query, query_of
from licensing_server.auditing.commands.output import Output
from licensing_server.auditing.commands.parser import (
    PROGRAM,
    Command,
    ExitCode,
    Misused,
    add_trust,
    source_of,
    trust_of,
)
from licensing_server.auditing.commands.patience import patiently
from licensing_server.auditing.formats import Format, Provenance, csv_head, to_cef, to_csv, to_jsonl
from licensing_server.auditing.ocsf import to_ocsf
from licensing_server.auditing.records import records
from licensing_server.auditing.verify import verify_log

FORMATS: Final[Mapping[str, Format]] = {"jsonl": to_jsonl, "csv": to_csv, "ocsf": to_ocsf, "cef": to_cef}
_HELP = """\
Write entries for other programs: JSON lines, CSV for spreadsheets, OCSF 1.8.0 or CEF for a SIEM.

The log is verified first. Every record carries the log's origin, the entry's index and leaf hash, and the size of the
checkpoint that covers it, so that whoever has doubts can ask for the proof. Times are UTC.

From a server that asks who you are, that you take this out is entered first: log.exported."""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=sorted(FORMATS), required=True, help="what to write")
    parser.add_argument("--out", metavar="FILE", help="a new file (default: standard output)")
    add_query(parser)
    add_order(parser)
    add_from(parser)
    add_trust(parser)


def _run(arguments: argparse.Namespace, output: Output) -> int:
    policy, query, source = trust_of(arguments), query_of(arguments), source_of(arguments)
    verified = patiently(source, lambda: verify_log(source, policy.verify, told=output.told))
    enter_export(arguments, output, arguments.format, query, end=verified.checkpoint.size)
    provenance = Provenance(verified.checkpoint.origin, verified.checkpoint.size)
    write = FORMATS[arguments.format]
    found = (write(record, provenance) for record in records(source, verified) if query.fits(record))
    head = [csv_head()] if arguments.format == "csv" else []
    if arguments.out is None:
        output.stdout.writelines(head)
        output.stdout.writelines(found)
        output.stdout.flush()
        return ExitCode.DONE
    count = _write(Path(arguments.out), head, found)
    told = f"{count} entries of {verified.checkpoint.size} are in {arguments.out}."
    output.result({"file": arguments.out, "entries": count, "checkpoint_size": verified.checkpoint.size}, [told])
    return ExitCode.DONE


def _write(path: Path, head: list[str], found: Iterator[str]) -> int:
    """Write a file that is there once it is whole: half an export looks like one of which the rest was left out."""
    if path.exists():
        raise Misused(f"{path} is there already; name a new file.", code="file.exists")
    part, count = path.with_name(f"{path.name}.part"), 0
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(head)
            for line in found:
                file.write(line)
                count += 1
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count


EXPORT = Command(
    "export",
    _HELP,
    f"{PROGRAM} export --format csv --type order. --policy witnesses.policy --out orders.csv",
    _configure,
    _run,
)
