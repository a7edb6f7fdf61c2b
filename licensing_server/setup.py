"""The first start: keys, database, root of trust, the first administrator."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from licensing_server import accounts, clock, migrations, trust
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.problem import Conflict, Unavailable
from licensing_server.signing import Custody
from licensing_server.web import Role

SETTINGS_FILE = "interlock.env"
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Initialised:
    """What a first start made: the administrator's id, and the file with their API token."""

    person: str
    token_file: Path


def load_settings(data_dir: Path | None = None) -> Settings:
    """Return the settings: the environment first, then ``interlock.env`` in the data folder, then the defaults."""
    folder = data_dir or Settings().data_dir
    settings = Settings(_env_file=folder / SETTINGS_FILE)
    return settings.model_copy(update={"data_dir": folder})


def initialise(settings: Settings, administrator: str) -> Initialised:
    """Make keys, database, root of trust and the first administrator, who holds every role until they share them.

    Raises:
        Conflict: ``init.done`` where the data folder has keys already.
    """
    folder = settings.data_dir
    if (folder / "keys").exists():
        raise Conflict("init.done", f"{folder} was initialised already; begin with: interlock serve")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    custody = Custody.create(folder, _passphrase(settings))
    database = Database(settings.url)
    try:
        migrations.upgrade(database)
        return _first_administrator(settings, database, custody, administrator)
    finally:
        database.close()


def open_server(settings: Settings) -> tuple[Database, Custody]:
    """Open what a running server needs.

    Raises:
        Unavailable: ``database.unmigrated``, ``signing.absent``, ``signing.unreadable``.
    """
    custody = Custody.open(settings.data_dir, _passphrase(settings))
    database = Database(settings.url)
    if not migrations.is_current(database):
        database.close()
        raise Unavailable("database.unmigrated", "The database has an older schema; run: interlock migrate")
    return database, custody


def write_settings(folder: Path, values: dict[str, str]) -> Path:
    """Write ``interlock.env``; values are quoted so that no character in them is special."""
    path = folder / SETTINGS_FILE
    lines = [f"INTERLOCK_{name.upper()}='{value.replace(chr(39), '')}'\n" for name, value in values.items()]
    path.write_text("".join(lines), "utf-8")
    return path


def _first_administrator(settings: Settings, database: Database, custody: Custody, name: str) -> Initialised:
    now = clock.now()
    with database.write() as session:
        person = accounts.add_person(session, name=name, roles=list(Role), actor=None, now=now)
        trust.publish(session, custody.keys(), actor=person.id, now=now)
        _, text = accounts.issue_token(
            session,
            person_id=person.id,
            label="first administrator",
            days=settings.token_days,
            most_days=settings.token_days,
            actor=person.id,
            now=now,
        )
    token_file = settings.data_dir / "admin.token"
    descriptor = os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    return Initialised(person.id, token_file)


def _passphrase(settings: Settings) -> str | None:
    return None if settings.key_passphrase is None else settings.key_passphrase.get_secret_value()
