"""``interlock audit report``."""

from __future__ import annotations

import argparse
from pathlib import Path

from licensing_protocol.canonical import encode
from licensing_server.auditing.commands.options import add_from, seconds, write_new
from licensing_server.auditing.commands.output import Output
from licensing_server.auditing.commands.parser import PROGRAM, Command, ExitCode, add_trust, source_of, trust_of
from licensing_server.auditing.commands.patience import patiently
from licensing_server.auditing.records import Query, records
from licensing_server.auditing.report import Report
from licensing_server.auditing.statistics import summarise
from licensing_server.auditing.verify import verify_log

_HELP = """\
Write the public transparency report: orders by reason, appeals and their outcomes, and how long answers took.

The log is verified first. Into a new folder go index.html, a page with charts and tables that needs no script and no
network, and report.json. Every number names the entries that it counts, so that anybody can ask for their proofs."""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="FOLDER", required=True, help="a new folder for the report")
    parser.add_argument(
        "--since", metavar="TIME", help="count from this time on: 2026-01-01, or seconds since 1970 UTC"
    )
    parser.add_argument("--until", metavar="TIME", help="count only before this time")
    add_from(parser)
    add_trust(parser)


def _run(arguments: argparse.Namespace, output: Output) -> int:
    policy, source = trust_of(arguments), source_of(arguments)
    within = Query(since=seconds(arguments.since), until=seconds(arguments.until))
    verified = patiently(source, lambda: verify_log(source, policy.verify, told=output.told))
    summary = summarise(record for record in records(source, verified) if within.fits(record))
    report = Report(summary, verified.checkpoint, within.since, within.until)
    files = {"index.html": report.to_html().encode(), "report.json": encode(report.to_json()) + b"\n"}
    write_new(Path(arguments.out), files, output)
    orders = sum(figure.count for figure in summary.by_kind)
    told = f"{orders} orders and {summary.appeals.count} appeals are counted in {arguments.out}/index.html."
    output.result({"folder": arguments.out, "orders": orders, "appeals": summary.appeals.count}, [told])
    return ExitCode.DONE


REPORT = Command(
    "report",
    _HELP,
    f"{PROGRAM} report --since 2026-01-01 --until 2027-01-01 --out ./report-2026 --policy witnesses.policy",
    _configure,
    _run,
)
