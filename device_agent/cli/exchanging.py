"""``enroll``, ``sync``, ``export`` and ``import``: documents out, documents in, by network or by file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from device_agent.agent import Agent
from device_agent.cli.command import Desk, command, read_text
from device_agent.cli.exits import ExitCode, Misused, Refused
from device_agent.cli.showing import show_report
from device_agent.exchange import SyncReport

_TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="INTERLOCK_AGENT_TOKEN_FILE",
        help="File with the one-time token; without it the token is asked for, or read from standard input.",
        exists=True,
        dir_okay=False,
    ),
]


@command
def enroll(desk: Desk, token_file: _TokenFile = None) -> None:
    """Make this device known to the exporter with a one-time token, and take its first entitlement.

    The token is no argument, because whoever else uses this machine could read it there. A device that is enrolled
    already stays as it is.

    Example:  interlock-agent enroll --token-file enrolment.token
    """
    with desk.agent(begin=True) as agent:
        if agent.enrolled:
            desk.output.note("This device is enrolled already.")
            show_report(desk.output, SyncReport(), agent.device_id)
            return
        report = agent.enroll(_token(token_file))
        show_report(desk.output, report, agent.device_id)


@command
def sync(desk: Desk) -> None:
    """Report to the exporter now, and take what it has: receipts, status lists, a newer entitlement.

    Exit code 3 says that no server answered, 1 that one refused the report or sent what cannot be believed.

    Example:  interlock-agent sync
    """
    with desk.agent() as agent:
        _refuse_unenrolled(agent)
        report = agent.sync()
        show_report(desk.output, report, agent.device_id)
    _leave(report)


@command
def export_request(
    desk: Desk,
    file: Annotated[Path, typer.Argument(help="File to write.", dir_okay=False)],
    token_file: _TokenFile = None,
) -> None:
    """Write to a file what this device would send, for somebody to carry to the exporter.

    Before enrolment that is the request to enrol, which takes a token; afterwards a report. Writing it again writes
    the same until its answer is imported.

    Example:  interlock-agent export request.json
    """
    with desk.agent(begin=True) as agent:
        agent.export_request(file, None if agent.enrolled else _token(token_file))
        desk.output.record({"device": agent.device_id, "file": str(file)})


@command
def import_answer(
    desk: Desk, file: Annotated[Path, typer.Argument(help="The answer.", exists=True, dir_okay=False)]
) -> None:
    """Take the exporter's answer from a file; it may hold status lists as well.

    Example:  interlock-agent import answer.json
    """
    with desk.agent() as agent:
        report = agent.import_answer(file)
        show_report(desk.output, report, agent.device_id)
    _leave(report)


def _leave(report: SyncReport) -> None:
    answered = report.reached or any(problem.answered for problem in report.problems)
    if report.refused or (report.problems and answered):
        raise typer.Exit(ExitCode.REFUSED)
    if report.problems:
        raise typer.Exit(ExitCode.UNREACHABLE)


def _refuse_unenrolled(agent: Agent) -> None:
    if not agent.enrolled and agent.status().problem is None:
        raise Refused("device.unenrolled", "This device is not enrolled yet; begin with: interlock-agent enroll")


def _token(file: Path | None) -> str:
    if file is not None:
        token = read_text(file)
    elif sys.stdin.isatty():
        token = str(typer.prompt("Token", hide_input=True, err=True)).strip()
    else:
        token = sys.stdin.readline().strip()
    if not token:
        raise Misused("token.missing", "There is no token in what was given; the exporter makes one.")
    return token
