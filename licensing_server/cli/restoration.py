"""``interlock restoration``: issuing is closed after a restore until two people accept what was lost."""

from __future__ import annotations

import typer

from licensing_server.cli.command import Desk, staff

restoration = typer.Typer(
    help="After a restore: what was lost, and its acceptance by two people.", no_args_is_help=True
)


@restoration.command("show")
@staff
def show(desk: Desk) -> None:
    """Show the restore that waits for acceptance, and what it lost.

    Example:  interlock restoration show
    """
    desk.output.record(desk.client.get("/v1/restoration"))


@restoration.command("accept")
@staff
def accept(desk: Desk) -> None:
    """Accept what was lost. Issuing opens again once two people have, each with their own token.

    Example:  interlock restoration accept
    """
    found = desk.client.post("/v1/restoration/acceptance")
    sentence = "Issuing is open again." if found["second"] else "One more person must accept before issuing opens."
    desk.output.record(found, sentence)
