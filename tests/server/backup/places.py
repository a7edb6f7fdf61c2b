"""Makes and restores backups as the commands do, and looks at what came of it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from sqlalchemy import RowMapping
from starlette.testclient import TestClient

from licensing_server.app import create_app
from licensing_server.backup import Made, Restored, back_up, restore
from licensing_server.backup.rows import tables_of
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.setup import open_server
from tests.server.exporter import Exporter


def make(exporter: Exporter, target: Path) -> Made:
    """Back up a server."""
    return back_up(exporter.settings, exporter.database, exporter.app.state.custody, target, lambda _: lambda _: None)


def passphrase(exporter: Exporter) -> str:
    """What opens the keys of a server."""
    return (exporter.settings.data_dir / "passphrase").read_text().strip()


def bring_back(place: Settings, archive: Path, secret: str | None) -> Restored:
    """Restore an archive."""
    return restore(place, archive, secret, lambda _: lambda _: None)


def contents(url: str) -> dict[str, list[str]]:
    """Return every row of every table as text that can be compared between databases."""
    database = Database(url)
    try:
        with database.read() as session:
            connection = session.connection()
            tables = tables_of(connection)
            return {table.name: sorted(map(_text, connection.execute(table.select()).mappings())) for table in tables}
    finally:
        database.close()


def _text(row: RowMapping) -> str:
    values = {name: sha256(value).hexdigest() if isinstance(value, bytes) else value for name, value in row.items()}
    return repr(sorted(values.items()))


class Reopened:
    """The people of an exporter, at the restored server."""

    def __init__(self, exporter: Exporter, place: Settings) -> None:
        place = place.model_copy(update={"four_eyes_hours": 0})
        database, custody = open_server(place)
        app = create_app(place, database, custody, with_jobs=False)
        self.client = TestClient(app, raise_server_exceptions=False)
        self.exporter = Exporter(app, self.client, database, place, exporter.administrator)
        self.exporter.tokens, self.exporter.people = exporter.tokens, exporter.people
        self.exporter.vendor, self.exporter.manifest = exporter.vendor, exporter.manifest
        self.exporter.end_user = exporter.end_user
        # The restored server's lists were signed at the time to which the first one's had run ahead.
        self.exporter.ahead = exporter.ahead

    def __enter__(self) -> Exporter:
        self.client.__enter__()
        return self.exporter

    def __exit__(self, *_: object) -> None:
        self.exporter.end()
