"""``interlock publish``: what is signed for everybody as files, for a web server or a CDN."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from licensing_server.cli.command import Machine, machine


@machine
def publish(
    desk: Machine,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that the web server serves.", file_okay=False)],
    follow: Annotated[bool, typer.Option(help="Go on: write every new list as soon as it is signed.")] = False,
) -> None:
    """Write the signed status lists and trust documents to a folder, as a web server or a CDN can serve them.

    Where the setting log_public is on the log is written too: checkpoint, tiles and entries.
    Files are replaced in one step and left alone where nothing changed. With --follow it writes one line to standard
    output once all is written, and runs until SIGTERM or Ctrl+C.

    Example:  interlock publish /srv/www/interlock --follow
    """
    from licensing_server import logs, serving
    from licensing_server.publishing import Published
    from licensing_server.publishing import publish as write
    from licensing_server.setup import open_database

    settings = desk.settings()

    def told(published: Published) -> None:
        members = {"folder": str(folder), "written": published.written, "removed": published.removed}
        desk.output.record(members, f"Written: {published.written}. Removed: {published.removed}.")

    if follow:
        logs.configure(as_json=settings.log_json)
        serving.keep_published(settings, folder, told)
        return
    with closing(open_database(settings)) as database, database.read() as session:
        told(write(session, folder, with_log=settings.log_public))
