"""The schema's history: upgraded explicitly, never by starting the server."""

from __future__ import annotations

from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from licensing_server.database import Database
from licensing_server.problem import Problem


def upgrade(database: Database) -> None:
    """Bring the database to the newest schema. On SQLite foreign keys are off meanwhile, then all are looked at.

    Raises:
        Problem: ``migration.broken_reference``; nothing is changed then.
    """
    with database.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        if database.is_sqlite:
            raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                _refuse_broken_references(connection, database)
        finally:
            if database.is_sqlite:
                raw.execute("PRAGMA foreign_keys=ON")


def is_current(database: Database) -> bool:
    """Tell whether the schema is the one that this version of the server knows."""
    with database.read() as session:
        return set(MigrationContext.configure(session.connection()).get_current_heads()) == _newest()


@cache
def _newest() -> set[str]:
    return set(ScriptDirectory.from_config(_config()).get_heads())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "licensing_server:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _refuse_broken_references(connection: Connection, database: Database) -> None:
    if database.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise Problem("migration.broken_reference", "A row refers to one that is not there; restore a backup.")
