"""``interlock audit bundle``."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from licensing_server.auditing.about import about
from licensing_server.auditing.commands.exporting import enter_export
from licensing_server.auditing.commands.options import (
    add_from,
    add_order,
    add_query,
    query_of,
    write_new,
)
from licensing_server.auditing.commands.output import Output
from licensing_server.auditing.commands.parser import (
    PROGRAM,
    Command,
    ExitCode,
    Misused,
    add_trust,
    policy_file,
    source_of,
    trust_of,
)
from licensing_server.auditing.commands.patience import patiently
from licensing_server.auditing.errors import Discrepancy
from licensing_server.auditing.evidence import ABOUT, POLICY, files_of_found, files_of_range
from licensing_server.auditing.proofs import Prover
from licensing_server.auditing.records import Query, records
from licensing_server.auditing.verify import verify_log

_RANGE = re.compile(r"([0-9]{1,15}):([0-9]{1,15})?", re.ASCII)
_HELP = """\
Write a folder of evidence for somebody else: entries, proofs, the signed checkpoint, and what they prove.

Of what a query finds, the bundle proves that each entry is in the log. With --range it proves besides that nothing in
the range is missing. The log is verified first. Whoever gets the folder runs  interlock audit verify  on it.

From a server that asks who you are, that you take this out is entered first: log.exported."""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="FOLDER", required=True, help="a new folder for the bundle")
    text = "instead of a query: all entries from index A to before B (A: alone to the end)"
    parser.add_argument("--range", metavar="A:B", help=text)
    add_query(parser)
    add_order(parser)
    add_from(parser)
    add_trust(parser)


def _run(arguments: argparse.Namespace, output: Output) -> int:
    policy, query, asked = trust_of(arguments), query_of(arguments), _range(arguments.range)
    if asked and query != Query():
        raise Misused("A range is whole: give either --range, or what to look for.")
    source = source_of(arguments)
    verified = patiently(source, lambda: verify_log(source, policy.verify, told=output.told))
    begin, end = asked or (0, None)
    end = verified.checkpoint.size if end is None else min(end, verified.checkpoint.size)
    found = [record for record in records(source, verified, begin, end) if query.fits(record)]
    if not found:
        raise Discrepancy("The log has no such entry.", code="audit.nothing_found")
    enter_export(arguments, output, "bundle", query, begin, end)
    prover = Prover(source, verified.note)
    files = dict(files_of_range(prover, found) if asked else files_of_found(prover, found, query))
    files[ABOUT] = about(verified.checkpoint, None if asked else query, found[0].index, found[-1].index + 1)
    files[POLICY] = policy_file(arguments)
    write_new(Path(arguments.out), files, output)
    proves = "completeness" if asked else "inclusion"
    told = f"{len(found)} entries are in {arguments.out}; the bundle proves their {proves}: see its {ABOUT}."
    indices = [record.index for record in found]
    output.result({"folder": arguments.out, "proves": proves, "entries": indices}, [told])
    return ExitCode.DONE


def _range(text: str | None) -> tuple[int, int | None] | None:
    if text is None:
        return None
    match = _RANGE.fullmatch(text)
    if match is None or (match[2] and int(match[2]) <= int(match[1])):
        raise Misused("A range is written A:B, with A before B, such as 100:200.")
    return int(match[1]), int(match[2]) if match[2] else None


BUNDLE = Command(
    "bundle", _HELP, f"{PROGRAM} bundle --order order_Lw2… --out ./evidence --policy witnesses.policy", _configure, _run
)
