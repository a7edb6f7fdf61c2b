"""Making a backup while the server runs: one transaction sees one state of every table."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tarfile import TarFile, TarInfo
from typing import Any, Final

from sqlalchemy import func, select

from licensing_protocol.canonical import digest, encode, to_base64url
from licensing_server import audit_log, clock, migrations
from licensing_server.backup import archive as archives
from licensing_server.backup.manifest import Manifest, file_digest, seal
from licensing_server.backup.rows import Step, tables_of, write_rows
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.signing import Custody

# These belong to a machine, or are secret: the place where a backup is restored has its own.
_NOT_KEPT: Final = frozenset(
    {
        *("data_dir", "database_url", "key_passphrase", "host", "port", "behind_tls", "trusted_proxies"),
        *("signing", "pkcs11_module", "pkcs11_token", "pkcs11_pin"),
    }
)
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True)
class Made:
    """A backup: when, how many rows of how many tables, and how many entries the log had."""

    made_at: int
    tables: int
    rows: int
    log_size: int


def back_up(
    settings: Settings, database: Database, custody: Custody, target: Path, begin: Callable[[int], Step]
) -> Made:
    """Write a backup to a new file. ``begin`` is told the number of rows, and returns what is called as they are read.

    Raises:
        Conflict: ``backup.exists``; OSError.
    """
    now = clock.now()
    with archives.new_archive(target) as archive, tempfile.TemporaryDirectory(dir=target.parent) as folder:
        with database.write() as session:
            audit_log.record(session, "backup.made", time=now, actor="system", subject="server")
        writer = _Writer(archive)
        rows, revision = _tables(database, Path(folder), writer, begin)
        for key in sorted((settings.data_dir / "keys").glob("*.pem")):
            writer.file(f"keys/{key.name}", key)
        writer.bytes(archives.SETTINGS, encode(kept_settings(settings)))
        manifest = Manifest(now, revision, settings.issuer, settings.public_url, writer.digests, rows)
        text = manifest.to_bytes()
        writer.bytes(archives.MANIFEST, text)
        writer.bytes(archives.SEAL, seal(text, custody.mac_key).encode("ascii"))
    return Made(now, len(rows), sum(rows.values()), manifest.log_size)


def kept_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that go with the data, as text, where they are not the defaults."""
    fields = type(settings).model_fields
    values = {name: getattr(settings, name) for name in fields if name not in _NOT_KEPT}
    return {name: str(value) for name, value in values.items() if value != fields[name].default}


class _Writer:
    def __init__(self, archive: TarFile) -> None:
        self._archive = archive
        self.digests: dict[str, str] = {}

    def file(self, name: str, path: Path) -> None:
        self.digests[name] = file_digest(path)
        with path.open("rb") as file:
            self._archive.addfile(_member(name, path.stat().st_size), file)

    def bytes(self, name: str, content: bytes) -> None:
        self.digests[name] = to_base64url(digest(content))
        self._archive.addfile(_member(name, len(content)), BytesIO(content))


def _member(name: str, size: int) -> TarInfo:
    member = TarInfo(name)
    member.size, member.mode = size, _OWNER_ONLY
    return member


def _tables(
    database: Database, folder: Path, writer: _Writer, begin: Callable[[int], Step]
) -> tuple[dict[str, int], str]:
    with database.read() as session:
        connection = session.connection()
        tables = tables_of(connection)
        step = begin(sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables))
        counts = {}
        for table in tables:
            path = folder / "table.jsonl"
            counts[table.name] = write_rows(connection, table, path, step)
            writer.file(f"tables/{table.name}.jsonl", path)
        return counts, migrations.revision_of(connection)
