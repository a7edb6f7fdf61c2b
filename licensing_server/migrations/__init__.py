"""The schema's history: upgraded explicitly, never by starting the server."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from licensing_server.database import Database
from licensing_server.problem import Conflict, Problem


def upgrade(database: Database, revision: str = "head", step: Callable[[], None] = lambda: None) -> None:
    """Bring the database to the newest schema, or to an older one; ``step`` is called after each revision.

    On SQLite foreign keys are off meanwhile, then all are looked at.

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
                config.attributes["step"] = step
                command.upgrade(config, revision)
                _refuse_broken_references(connection, database)
        finally:
            if database.is_sqlite:
                raw.execute("PRAGMA foreign_keys=ON")


def is_current(database: Database) -> bool:
    """Tell whether the schema is the one that this version of the server knows."""
    with database.read() as session:
        return set(MigrationContext.configure(session.connection()).get_current_heads()) == _newest()


def pending(database: Database) -> list[str]:
    """Return the revisions that :func:`upgrade` would apply, the first one first.

    Raises:
        Conflict: ``database.newer`` where the database has a schema that this version does not know.
    """
    with database.read() as session:
        held = MigrationContext.configure(session.connection()).get_current_heads()
    if not all(map(knows, held)):
        raise Conflict("database.newer", "The database has the schema of a newer server; install that version.")
    script = ScriptDirectory.from_config(_config())
    todo = [found.revision for found in script.iterate_revisions("head", held or "base")]
    return todo[::-1]


def revision_of(connection: Connection) -> str:
    """Return the schema of a database, empty where it has none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def knows(revision: str) -> bool:
    """Tell whether this version of the server has a schema of this name."""
    return revision in {found.revision for found in ScriptDirectory.from_config(_config()).walk_revisions()}


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
