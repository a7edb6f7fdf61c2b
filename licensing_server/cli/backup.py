"""``interlock backup`` and ``restore``."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from licensing_server.cli.command import Machine, machine
from licensing_server.cli.files import read_passphrase


@machine
def backup(desk: Machine, file: Annotated[Path, typer.Argument(help="New file, such as monday.tar.gz.")]) -> None:
    """Write a backup of everything to one file, while the server runs: tables, keys (still encrypted), settings.

    The passphrase of the keys is not in it. Keep that elsewhere: whoever has both can sign as you.

    Example:  interlock backup /backups/monday.tar.gz --data-dir /srv/interlock
    """
    from licensing_server import setup
    from licensing_server.backup import back_up

    settings = desk.settings()
    database, custody = setup.open_server(settings)
    with closing(database), desk.output.progress("Reading rows") as bar:
        made = back_up(settings, database, custody, file, bar.begin)
    desk.output.record({"file": str(file)} | asdict(made), f"{file} holds everything but the passphrase of the keys.")


@machine
def restore(
    desk: Machine,
    file: Annotated[Path, typer.Argument(help="A file that backup wrote.", exists=True, dir_okay=False)],
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="File with the passphrase of the keys; it is kept in the data folder.", exists=True),
    ] = None,
) -> None:
    """Restore a backup into an empty data folder and an empty database. A damaged archive changes nothing.

    The database is the one of INTERLOCK_DATABASE_URL, or of an interlock.env that you put into the folder; else SQLite.
    What happened since the backup is lost, so issuing stays closed until two people have accepted that.

    Example:  interlock restore /backups/monday.tar.gz --data-dir /srv/interlock --passphrase-file passphrase
    """
    from licensing_server import backup as backups

    secret = read_passphrase(passphrase_file)
    settings = desk.settings()
    with desk.output.progress("Writing rows") as bar:
        restored = backups.restore(settings, file, None if secret is None else secret.decode(), bar.begin)
    desk.output.record(asdict(restored), "Restored, with issuing closed.")
    desk.output.note("Next: start the server, place lost orders again, and let two people accept the loss, each with")
    desk.output.note("      their own token:  interlock restoration show,  interlock restoration accept")
