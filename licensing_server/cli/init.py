"""``interlock init``: the first start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from licensing_server.cli.command import Machine, machine
from licensing_server.cli.metadata import read_metadata


@machine
def init(
    desk: Machine,
    administrator: Annotated[str, typer.Option(help="Name of the first administrator.", prompt="Your name")],
    issuer: Annotated[str | None, typer.Option(help="Name of the exporter in signed documents.")] = None,
    public_url: Annotated[str | None, typer.Option(help="Address at which devices reach this server.")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="postgresql+psycopg://user@host/name; absent for SQLite in the data folder.")
    ] = None,
    appeal: Annotated[str | None, typer.Option(help="Where the operator of a device may appeal.")] = None,
    root: Annotated[
        Path | None, typer.Option(help="First root of a ceremony, as keys ceremony writes it.", exists=True)
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
) -> None:
    """Make the data folder, the signing keys, the database and the first administrator.

    What is given here is written to interlock.env in the data folder. Secrets are not given here: set
    INTERLOCK_KEY_PASSPHRASE, or let a passphrase be made and stored beside the keys.

    Without --root a throw-away ceremony is held here, whose root keys stay in the data folder: good for trying things
    out. Before a product leaves your house, hold a real one (keys ceremony).

    Example:  interlock init --data-dir /srv/interlock --administrator "Ada Admin" --issuer "Example Optics"
    """
    from licensing_server import setup

    values: dict[str, str | int | None] = {"issuer": issuer, "public_url": public_url, "database_url": database_url}
    values |= {"appeal": appeal, "host": host, "port": port}
    given = {name: value for name, value in values.items() if value is not None}
    settings = desk.settings(**given)
    made = setup.initialise(settings, administrator, given, None if root is None else read_metadata(root))
    folder = settings.data_dir
    steps = f"INTERLOCK_TOKEN_FILE={made.token_file} interlock people add NAME --role compliance"
    result = {
        "data_dir": str(folder),
        "administrator": made.person,
        "token_file": str(made.token_file),
        "settings_file": str(folder / setup.SETTINGS_FILE),
    }
    if made.request is not None:
        result["to_sign"] = str(made.request)
    desk.output.record(result, f"{folder} is ready.")
    if made.request is None:
        desk.output.note(
            "The root keys of a throw-away ceremony lie in the data folder: do not ship a product by them."
        )
    else:
        desk.output.note(f"Next: let the holders sign   interlock keys sign {made.request} --key root-key-1.pem")
        desk.output.note(f"      then bring it in       interlock keys import {made.request}")
    desk.output.note(f"Next: start the server      interlock serve --data-dir {folder}")
    desk.output.note(f"      then add your people  {steps}")
    desk.output.note("Keep a copy of the passphrase of the keys in another place than the backups.")
