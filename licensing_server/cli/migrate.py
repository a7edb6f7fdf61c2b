"""``interlock migrate``: the database's schema."""

from __future__ import annotations

from licensing_server.cli.command import Machine, machine


@machine
def migrate(desk: Machine) -> None:
    """Bring the database to the schema of this version. Make a backup first; all steps happen, or none.

    Example:  interlock migrate --data-dir /srv/interlock
    """
    from licensing_server import migrations
    from licensing_server.database import Database

    database = Database(desk.settings().url)
    try:
        steps = migrations.pending(database)
        with desk.output.progress("Migrating") as bar:
            done = bar.begin(len(steps))
            migrations.upgrade(database, step=lambda: done(1))
    finally:
        database.close()
    sentence = "The database is migrated." if steps else "The database has the newest schema already."
    desk.output.record({"applied": steps}, sentence)
