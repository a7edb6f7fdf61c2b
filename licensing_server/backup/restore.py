"""Restoring a backup into an empty place: everything is verified first, and the keys come last.

Without its keys no server starts, so a restore that failed half way is never served from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData, inspect

from licensing_protocol.canonical import decode_object
from licensing_server import clock, migrations
from licensing_server.audit_log import HeadFile
from licensing_server.backup import archive as archives
from licensing_server.backup.manifest import Manifest, damaged, file_digest, refuse_unless_sealed
from licensing_server.backup.rows import Step, read_rows, set_sequences, tables_of
from licensing_server.closing import close_issuing
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.problem import Conflict, Unprocessable
from licensing_server.setup import write_private, write_settings, written_settings
from licensing_server.signing import mac_key


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: when the backup was made, how many rows, and what is lost since."""

    backup_made_at: int
    rows: int
    loss: str


def restore(settings: Settings, archive: Path, passphrase: str | None, begin: Callable[[int], Step]) -> Restored:
    """Restore a backup into an empty data folder and an empty database; issuing is closed then.

    ``passphrase`` is kept in the data folder where it is given; else it comes from the settings or lies there.

    Raises:
        Conflict: ``restore.not_empty``; Unprocessable: ``backup.damaged``, ``backup.format``, ``backup.newer``,
            ``restore.passphrase``; Unavailable ``signing.unreadable`` for a wrong passphrase.
    """
    folder = settings.data_dir
    if (folder / "keys").exists():
        raise Conflict("restore.not_empty", f"{folder} has keys already; restore into an empty folder.")
    secret = passphrase or _held_passphrase(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".restore-") as staging:
        files = archives.unpack(archive, Path(staging))
        manifest = _verify(files, Path(staging), secret)
        settings = _with_kept(settings, files[archives.SETTINGS])
        loss = _fill_database(settings, manifest, files, begin)
        if passphrase is not None:
            write_private(folder / "passphrase", passphrase)
        (Path(staging) / "keys").rename(folder / "keys")
    return Restored(manifest.made_at, sum(manifest.rows.values()), loss)


def _held_passphrase(settings: Settings) -> str:
    if settings.key_passphrase is not None:
        return settings.key_passphrase.get_secret_value()
    path = settings.data_dir / "passphrase"
    if not path.exists():
        sentence = "The keys in a backup are encrypted: give their passphrase, which is not in it, in a file."
        raise Unprocessable("restore.passphrase", sentence)
    return path.read_text("utf-8").strip()


def _verify(files: Mapping[str, Path], staging: Path, passphrase: str) -> Manifest:
    text = files[archives.MANIFEST].read_bytes()
    manifest = Manifest.parse(text)
    if set(manifest.files) != set(files) - {archives.MANIFEST, archives.SEAL}:
        raise damaged("members are missing, or some were added")
    for name, expected in manifest.files.items():
        if file_digest(files[name]) != expected:
            raise damaged(f"{name} is not what was written")
    refuse_unless_sealed(text, files[archives.SEAL].read_text("ascii"), mac_key(staging, passphrase))
    if not migrations.knows(manifest.revision):
        sentence = f"This backup is of a newer schema ({manifest.revision}); restore it with that version of interlock."
        raise Unprocessable("backup.newer", sentence)
    return manifest


def _with_kept(settings: Settings, kept: Path) -> Settings:
    # What the new place says for itself comes first.
    fields = type(settings).model_fields
    values = decode_object(kept.read_bytes())
    taken = {name: value for name, value in values.items() if getattr(settings, name) == fields[name].default}
    if taken:
        write_settings(settings.data_dir, taken | written_settings(settings.data_dir))
    return Settings(**settings.model_dump() | taken)


def _fill_database(
    settings: Settings, manifest: Manifest, files: Mapping[str, Path], begin: Callable[[int], Step]
) -> str:
    database = Database(settings.url)
    try:
        _refuse_used(database)
        try:
            migrations.upgrade(database, manifest.revision)
            _load(database, manifest, files, begin(sum(manifest.rows.values())))
            migrations.upgrade(database)
            with database.write() as session:
                head = HeadFile(settings.data_dir).read()
                return close_issuing(session, settings, manifest.made_at, head, clock.now())
        except BaseException:
            _empty(database)
            raise
    finally:
        database.close()


def _refuse_used(database: Database) -> None:
    with database.read() as session:
        if inspect(session.connection()).get_table_names():
            sentence = "The database has tables already; restore into an empty one."
            raise Conflict("restore.not_empty", sentence)


def _load(database: Database, manifest: Manifest, files: Mapping[str, Path], step: Step) -> None:
    with database.write() as session:
        connection = session.connection()
        tables = tables_of(connection)
        if {table.name for table in tables} != set(manifest.rows):
            raise damaged("its tables are not those of its schema")
        for table in tables:
            count = read_rows(connection, table, files[f"tables/{table.name}.jsonl"], step)
            if count != manifest.rows[table.name]:
                raise damaged(f"{table.name} has {count} rows, not {manifest.rows[table.name]}")
        set_sequences(connection, tables)


def _empty(database: Database) -> None:
    with database.engine.begin() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        metadata.drop_all(connection)
