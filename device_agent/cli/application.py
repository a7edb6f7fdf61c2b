"""Puts the commands together."""

from __future__ import annotations

from typing import Annotated

import typer

from device_agent.cli import exchanging, looking
from device_agent.cli.exits import EXIT_CODES

_LOOK = "Looking into the device"
_EXCHANGE = "Exchange with the exporter"

application = typer.Typer(
    name="interlock-agent",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        # Only here: it is slow to load, and every other command is often run by scripts.
        from importlib.metadata import version

        typer.echo(f"interlock-agent {version('interlock')}")
        raise typer.Exit


@application.callback(epilog=EXIT_CODES)
def _interlock_agent(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Look into a device that embeds the agent, enrol it, and let it report, beside the product that runs on it.

    Which device: --folder, --manifest and --vendor-key, or INTERLOCK_AGENT_FOLDER, INTERLOCK_AGENT_MANIFEST and
    INTERLOCK_AGENT_VENDOR_KEY, the same that the product gives to Agent.open. Reasons are told in the language that
    INTERLOCK_AGENT_LANGUAGE names (de, en, fr).
    """


for name, command, panel in (
    ("status", looking.status, _LOOK),
    ("decide", looking.decide, _LOOK),
    ("journal", looking.journal, _LOOK),
    ("enroll", exchanging.enroll, _EXCHANGE),
    ("sync", exchanging.sync, _EXCHANGE),
    ("export", exchanging.export_request, _EXCHANGE),
    ("import", exchanging.import_answer, _EXCHANGE),
):
    application.command(name, rich_help_panel=panel, epilog=EXIT_CODES)(command)
