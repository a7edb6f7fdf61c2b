"""``enroll`` and ``sync``: documents out, documents in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from device_agent.cli.command import Desk, command
from device_agent.cli.exits import Misused


@command
def enroll(
    desk: Desk,
    token_file: Annotated[
        Path | None,
        typer.Option(
            envvar="INTERLOCK_AGENT_TOKEN_FILE",
            help="File with the one-time token; without it the token is asked for, or read from standard input.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Make this device known to the exporter with a one-time token, and bring its first entitlement.

    The token is no argument, because whoever else uses this machine could read it there.

    Example:  interlock-agent enroll --token-file enrolment.token
    """
    token = _token(token_file)
    with desk.agent() as agent:
        agent.enroll(token)
        desk.output.record(agent.status().to_json())
    desk.output.note("Enrolled.")


@command
def sync(desk: Desk) -> None:
    """Report to the exporter now, and take what it has: a receipt, status lists, a newer entitlement.

    Example:  interlock-agent sync
    """
    with desk.agent() as agent:
        desk.output.record(agent.sync().to_json())


def _token(file: Path | None) -> str:
    if file is not None:
        token = file.read_text("utf-8").strip()
    elif sys.stdin.isatty():
        token = str(typer.prompt("Token", hide_input=True, err=True)).strip()
    else:
        token = sys.stdin.readline().strip()
    if not token:
        raise Misused("token.missing", "There is no token in what was given; the exporter makes one.")
    return token
