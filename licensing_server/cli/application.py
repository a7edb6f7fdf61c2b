"""Puts the commands together."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from licensing_server.cli import init, serve
from licensing_server.cli.exits import EXIT_CODES

application = typer.Typer(
    name="interlock",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"interlock {version('interlock')}")
        raise typer.Exit


@application.callback(epilog=EXIT_CODES)
def _interlock(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Control what exported products can do: issue, limit, suspend and revoke capabilities, every act logged."""


_MACHINE = "On the server's own machine"
application.command("init", rich_help_panel=_MACHINE, epilog=EXIT_CODES)(init.init)
application.command("serve", rich_help_panel=_MACHINE, epilog=EXIT_CODES)(serve.serve)
