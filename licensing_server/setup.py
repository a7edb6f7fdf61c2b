"""The first start: keys, database, root of trust, the first administrator."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject, encode
from licensing_protocol.trust import Delegation
from licensing_server import accounts, audit_log, clock, migrations, status_lists, trust, witnessing
from licensing_server.accounts.tables import Person
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.problem import Conflict, Unavailable, Unprocessable
from licensing_server.signing import Custody, key_store, mac_key
from licensing_server.signing.files import begin, passphrase_of
from licensing_server.trust.ceremony import FOLDER, THRESHOLD, Ceremony, keep, signed
from licensing_server.trust.compose import first_targets
from licensing_server.web import Role

SETTINGS_FILE = "interlock.env"
_OWNER_ONLY = 0o600
_DATABASES = ("sqlite://", "postgresql+psycopg://")
# These are read by command lines, not by the server.
_OF_COMMANDS = ("AGENT_", "SERVER", "TOKEN_FILE", "DEBUG")


@dataclass(frozen=True, slots=True)
class Initialised:
    """What a first start made: the administrator's id, and the file with their API token.

    ``request`` is the file with the Targets that the holders of a root's keys have yet to sign, where there is one.
    """

    person: str
    token_file: Path
    request: Path | None = None


def load_settings(data_dir: Path | None = None, **changes: Any) -> Settings:
    """Return the settings: ``changes``, then the environment, ``interlock.env`` in the data folder, the defaults.

    Raises:
        pydantic.ValidationError: a value is not one that the setting can have. Unprocessable: ``settings.unknown`` for
            a name in ``interlock.env`` that no setting has, ``settings.database_url`` for another kind of database.
    """
    folder = data_dir or Settings().data_dir
    _refuse_misspelt(folder / SETTINGS_FILE)
    settings = Settings(_env_file=folder / SETTINGS_FILE)
    settings = Settings(**settings.model_dump() | changes | {"data_dir": folder})
    _refuse_other_database(settings.url)
    return settings


def initialise(
    settings: Settings, administrator: str, written: Mapping[str, Any] | None = None, root: JsonObject | None = None
) -> Initialised:
    """Make keys, database, root of trust and the first administrator, who holds every role until they share them.

    ``written`` are the settings to keep in ``interlock.env``. ``root`` is the first root of a ceremony that was held;
    without one a throw-away ceremony is held here, whose keys stay in the data folder. Where a step fails, the keys are
    taken back, so that the first start can be tried again.

    Raises:
        Conflict: ``init.done`` where the data folder has keys already, ``init.database_used`` where the database is
            another server's.
        TrustError, DocumentError: ``root`` is none that a device would begin with.
    """
    folder = settings.data_dir
    if (folder / "keys").exists():
        raise Conflict("init.done", f"{folder} was initialised already; begin with: interlock serve")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.url)
    made_passphrase = not (folder / "passphrase").exists()
    try:
        migrations.upgrade(database)
        custody = _make_custody(settings)
        if written:
            write_settings(folder, written_settings(folder) | dict(written))
        return _first_administrator(settings, database, custody, administrator, root)
    except BaseException:
        for made in ("keys", FOLDER):
            shutil.rmtree(folder / made, ignore_errors=True)
        if made_passphrase:
            (folder / "passphrase").unlink(missing_ok=True)
        raise
    finally:
        database.close()


def open_server(settings: Settings) -> tuple[Database, Custody]:
    """Open what a running server needs.

    Raises:
        Unavailable: ``database.unmigrated``, ``signing.absent``, ``signing.unreadable``, ``signing.token``; Conflict:
            ``database.newer``.
    """
    custody = Custody(key_store(settings), mac_key(settings.data_dir, _passphrase(settings)))
    database = open_database(settings)
    try:
        _begin_log(database, settings)
    except BaseException:
        database.close()
        raise
    return database, custody


def _begin_log(database: Database, settings: Settings) -> None:
    # A database from before the log had a name. Looked at first: a start should not wait for who writes.
    with database.read() as session:
        begun = audit_log.has_begun(session)
    if not begun:
        database.change(lambda session: audit_log.begin(session, settings.origin, clock.now()))


def note_configuration(database: Database, settings: Settings) -> None:
    """Enter what the log is configured with, where that is not what it last said; at every start of a server.

    Raises:
        Unavailable: ``log.policy``.
    """
    present = witnessing.configuration(settings)
    with database.read() as session:
        said = witnessing.configured(session)
    if said != present:
        database.change(lambda session: witnessing.configure(session, present, clock.now()))


def open_database(settings: Settings) -> Database:
    """Open the database alone.

    Raises:
        Unavailable: ``database.unmigrated``; Conflict: ``database.newer``.
    """
    database = Database(settings.url)
    try:
        # A newer schema is refused by this look itself: migrating would not help.
        if migrations.pending(database):
            raise Unavailable("database.unmigrated", "The database has an older schema; run: interlock migrate")
    except BaseException:
        database.close()
        raise
    return database


def _refuse_misspelt(file: Path) -> None:
    """Refuse a name that would be ignored in silence; what is not ours at all may stand in the file beside it."""
    prefix, known = Settings.model_config["env_prefix"], [name.upper() for name in Settings.model_fields]
    for name in dotenv_values(file, interpolate=False):
        bare = name.upper().removeprefix(prefix)
        is_set = bare in known and name.upper() != bare
        is_ours = name.upper() != bare or bare in known
        if is_ours and not is_set and not bare.startswith(_OF_COMMANDS):
            near = get_close_matches(bare, known, 1)
            meant = f"did you mean {prefix}{near[0]}?" if near else "the documentation lists all settings."
            raise Unprocessable("settings.unknown", f"{file} sets {name}, which is no setting; {meant}")


def _refuse_other_database(url: str) -> None:
    if not url.startswith(_DATABASES):
        sentence = (
            "INTERLOCK_DATABASE_URL must begin with postgresql+psycopg:// or sqlite:///; no other database serves."
        )
        raise Unprocessable("settings.database_url", sentence)


def written_settings(folder: Path) -> dict[str, str]:
    """Return what ``interlock.env`` says, by the names of settings."""
    read = dotenv_values(folder / SETTINGS_FILE, interpolate=False)
    prefix = Settings.model_config["env_prefix"]
    return {name.removeprefix(prefix).lower(): value for name, value in read.items() if value is not None}


def write_settings(folder: Path, values: Mapping[str, Any]) -> Path:
    """Write ``interlock.env``, readable by its owner alone: the database's address may hold a password.

    Raises:
        Unprocessable: ``settings.unwritable`` for a value that would be read back as another.
    """
    lines = [f"INTERLOCK_{name.upper()}={_quoted(name, str(value))}\n" for name, value in values.items()]
    path = folder / SETTINGS_FILE
    write_private(path, "".join(lines))
    return path


def _quoted(name: str, value: str) -> str:
    if "${" in value or not value.isprintable():
        raise Unprocessable("settings.unwritable", f"{name} has characters that interlock.env cannot keep.")
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _make_custody(settings: Settings) -> Custody:
    begin(settings.data_dir, _passphrase(settings))
    custody = Custody(key_store(settings), mac_key(settings.data_dir, _passphrase(settings)))
    for delegation in Delegation:
        custody.make(delegation)
    return custody


def _first_metadata(settings: Settings, targets: JsonObject, root: JsonObject | None, now: int) -> list[JsonObject]:
    """Return what can be published at once: with a throw-away ceremony everything, else the root alone."""
    if root is not None:
        return [root]
    ceremony = Ceremony.hold(now)
    secret = passphrase_of(settings.data_dir, _passphrase(settings))
    keep(ceremony, settings.data_dir / FOLDER, secret)
    return [ceremony.root, signed(targets, list(ceremony.keys.values())[:THRESHOLD])]


def _first_administrator(
    settings: Settings, database: Database, custody: Custody, name: str, root: JsonObject | None
) -> Initialised:
    now = clock.now()
    targets = first_targets(custody.newest_keys(), now)
    with database.write() as session:
        _refuse_used(session, settings)
        audit_log.begin(session, settings.origin, now)
        person = accounts.add_person(session, name=name, roles=list(Role), actor=None, now=now)
        trust.publish(session, _first_metadata(settings, targets, root, now), actor=person.id, now=now)
        # Opened before anything is granted, so that its list is signed by the time the first device asks for it.
        status_lists.open_shard(session, settings.public_url)
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
    write_private(token_file, text + "\n")
    if root is None:
        return Initialised(person.id, token_file)
    request = settings.data_dir / "targets.1.json"
    request.write_bytes(encode(targets) + b"\n")
    return Initialised(person.id, token_file, request)


def _refuse_used(session: Session, settings: Settings) -> None:
    if session.scalar(select(Person.id).limit(1)) is not None:
        where = "INTERLOCK_DATABASE_URL" if settings.database_url else str(settings.data_dir)
        sentence = f"The database is another server's already; look at {where}, or restore that server's backup."
        raise Conflict("init.database_used", sentence)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, _OWNER_ONLY)
        file.write(text)


def _passphrase(settings: Settings) -> str | None:
    return None if settings.key_passphrase is None else settings.key_passphrase.get_secret_value()
