"""``interlock alerts``: cases that devices' reports opened."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from licensing_server.cli.client import segment
from licensing_server.cli.command import Desk, ListDesk, staff, staff_list

alerts = typer.Typer(help="Signs of misuse that devices reported: read, acknowledge, close.", no_args_is_help=True)
_COLUMNS = ("id", "state", "kind", "subject", "text", "count", "opened_at", "last_at")
_Case = Annotated[str, typer.Argument(help="Id of the case, case_…")]


class State(StrEnum):
    """What is being done about a case."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@alerts.command("list")
@staff_list
def list_cases(
    desk: ListDesk,
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as configuration.changed.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only about this device.")] = None,
) -> None:
    """List cases.

    Example:  interlock alerts list --state open
    """
    desk.show("/v1/alerts", _COLUMNS, state=state, kind=kind, subject=subject)


@alerts.command("show")
@staff
def show(desk: Desk, case: _Case) -> None:
    """Show a case, and the entry of the log that opened it.

    Example:  interlock alerts show case_p0S…
    """
    desk.output.record(desk.client.get(f"/v1/alerts/{segment(case)}"))


@alerts.command("acknowledge")
@staff
def acknowledge(desk: Desk, case: _Case) -> None:
    """Say that you look into it.

    Example:  interlock alerts acknowledge case_p0S…
    """
    desk.output.record(desk.client.post(f"/v1/alerts/{segment(case)}/acknowledgement"))


@alerts.command("close")
@staff
def close(desk: Desk, case: _Case, note: Annotated[str, typer.Option(help="What was found and done.")]) -> None:
    """End a case with a note on what was found.

    Example:  interlock alerts close case_p0S… --note "The integrator's change of 3 March, approved."
    """
    desk.output.record(desk.client.post(f"/v1/alerts/{segment(case)}/closing", {"note": note}))
