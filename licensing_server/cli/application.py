"""Puts the commands together."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Annotated

import typer

from licensing_server.cli import audit, backup, entitlements, init, migrate, orders, publish, serve, work
from licensing_server.cli.alerts import alerts
from licensing_server.cli.catalogue import capabilities, provisos, regions
from licensing_server.cli.devices import devices
from licensing_server.cli.exits import EXIT_CODES
from licensing_server.cli.keys import keys
from licensing_server.cli.log import log
from licensing_server.cli.order_book import orders as order_book
from licensing_server.cli.parties import parties
from licensing_server.cli.people import people
from licensing_server.cli.products import products
from licensing_server.cli.restoration import restoration
from licensing_server.cli.witness import witness

_MACHINE = "On the server's own machine"
_SET_UP = "People and catalogue"
_GRANT = "Granting and taking back"
_WATCH = "Watching"

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
        typer.echo(f"interlock {version_of('interlock')}")
        raise typer.Exit


@application.callback(epilog=EXIT_CODES)
def _interlock(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Control what exported products can do: issue, limit, suspend and revoke capabilities, every act logged.

    Commands that speak with a server take --server (or INTERLOCK_SERVER) and --token-file (or INTERLOCK_TOKEN_FILE).
    """


for name, command, panel in (
    ("init", init.init, _MACHINE),
    ("serve", serve.serve, _MACHINE),
    ("work", work.work, _MACHINE),
    ("publish", publish.publish, _MACHINE),
    ("migrate", migrate.migrate, _MACHINE),
    ("backup", backup.backup, _MACHINE),
    ("restore", backup.restore, _MACHINE),
    ("issue", entitlements.issue, _GRANT),
    ("preview", entitlements.preview, _GRANT),
    ("renew", entitlements.renew, _GRANT),
    ("suspend", orders.suspend, _GRANT),
    ("reinstate", orders.reinstate, _GRANT),
    ("revoke", orders.revoke, _GRANT),
    ("limit", orders.limit, _GRANT),
):
    application.command(name, rich_help_panel=panel, epilog=EXIT_CODES)(command)

application.command("audit", rich_help_panel=_WATCH, context_settings=audit.SETTINGS)(audit.audit)

for noun, group, panel in (
    ("keys", keys, _MACHINE),
    ("people", people, _SET_UP),
    ("parties", parties, _SET_UP),
    ("products", products, _SET_UP),
    ("capabilities", capabilities, _SET_UP),
    ("provisos", provisos, _SET_UP),
    ("regions", regions, _SET_UP),
    ("devices", devices, _GRANT),
    ("orders", order_book, _GRANT),
    ("alerts", alerts, _WATCH),
    ("log", log, _WATCH),
    ("restoration", restoration, _WATCH),
    ("witness", witness, _WATCH),
):
    application.add_typer(group, name=noun, rich_help_panel=panel, epilog=EXIT_CODES)
