"""What is signed for everybody, as files: status lists, trust documents and, where it is public, the log.

The files lie below a folder as their routes do, each beside a compressed copy for servers that send such. A file is
replaced in one step, and left alone where it has not changed; its time is the time of its signing, so that every web
server with the same files gives the same ``ETag``.
"""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import decode_object, encode, from_base64url
from licensing_protocol.errors import InterlockError
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_protocol.log.tiles import WIDTH, tiles_of
from licensing_server import audit_log, clock
from licensing_server.audit_log.tables import LogCheckpoint
from licensing_server.problem import Conflict, Unavailable
from licensing_server.status_lists.tables import Shard
from licensing_server.trust.tables import PublishedRoot, PublishedTargets
from licensing_server.witnessing.tables import LogWitness

_LISTS = "v1/status"
_TRUST = "v1/trust"
_LOG = "log"
# A tile never changes, so every web server may say that it is as old as any.
_LONG_AGO = 0
_READABLE = 0o644


@dataclass(frozen=True, slots=True)
class Published:
    """How many documents were written, and how many that are no longer served were removed."""

    written: int
    removed: int


@dataclass(frozen=True, slots=True)
class _Document:
    path: Path
    content: bytes
    signed_at: int


def publish(session: Session, folder: Path, *, with_log: bool = False) -> Published:
    """Bring the files below a folder, which is made where it is missing, to what the server serves now.

    Raises:
        Conflict: ``publish.older``: the folder has a newer list or checkpoint, of another server or from before a
            restore.
        Unavailable: ``publish.unwritable``.
    """
    try:
        documents = chain(_trust(session, folder), _lists(session, folder), _log(session, folder) if with_log else ())
        written = [_write(document) for document in documents]
        removed = [_remove(folder / _LISTS / str(shard)) for shard in _retired(session)]
    except OSError as error:
        sentence = f"{error.filename or folder} cannot be written: {(error.strerror or 'not possible').lower()}."
        raise Unavailable("publish.unwritable", sentence) from error
    return Published(sum(written), sum(removed))


def _trust(session: Session, folder: Path) -> Iterator[_Document]:
    for root in session.scalars(select(PublishedRoot).order_by(PublishedRoot.version)):
        name = f"{root.version}.root.json"
        yield _Document(folder / _TRUST / name, encode(root.document), root.published_at)
    targets = session.scalar(select(PublishedTargets).order_by(PublishedTargets.version.desc()).limit(1))
    if targets is not None:
        yield _Document(folder / _TRUST / "targets.json", encode(targets.document), targets.published_at)


def _lists(session: Session, folder: Path) -> Iterator[_Document]:
    signed = select(Shard.id, Shard.text, Shard.signed_at, Shard.sequence).where(Shard.identity != "")
    for shard, text, signed_at, sequence in session.execute(signed.order_by(Shard.id)):
        path = folder / _LISTS / str(shard)
        if _sequence(path) > sequence:
            raise Conflict("publish.older", f"{path} is newer than this server's list; look whose folder it is.")
        yield _Document(path, text.encode("ascii"), signed_at)


def _log(session: Session, folder: Path) -> Iterator[_Document]:
    """Yield the tiles that are not there yet, and after them the checkpoint that needs them."""
    place = folder / _LOG / "checkpoint"
    held = _head(place)
    note = audit_log.shown(session, clock.now())
    if note is None:
        return
    head = Checkpoint.parse(note.text)
    if held is not None and held.origin != head.origin:
        # After a restore: tiles of the same names may hold what was lost.
        place.unlink()
        shutil.rmtree(folder / _LOG / "tile", ignore_errors=True)
    elif held is not None and held.size > head.size:
        raise Conflict("publish.older", f"{place} is newer than this server's checkpoint; look whose folder it is.")
    for tile in tiles_of(head.size):
        path = folder / _LOG / tile.path
        if not path.exists():
            yield _Document(path, audit_log.tile(session, tile), _LONG_AGO)
            if tile.width == WIDTH:
                # Written by now: the whole tile serves whoever asks for a part of it.
                shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)
    yield _Document(place, note.to_bytes(), _signed_at(session, head))


def _signed_at(session: Session, head: Checkpoint) -> int:
    """Return when a checkpoint was signed, or last cosigned: were its time to stay, no ``ETag`` would tell of that."""
    signed = session.scalars(select(LogCheckpoint.time).where(LogCheckpoint.size == head.size)).one()
    witnesses = (LogWitness.origin == head.origin, LogWitness.size == head.size)
    return max(signed, session.scalar(select(func.max(LogWitness.cosigned_at)).where(*witnesses)) or 0)


def _head(path: Path) -> Checkpoint | None:
    """Return the head that a file holds, ``None`` where it holds none."""
    try:
        return Checkpoint.parse(Note.parse(path.read_bytes()).text)
    except (FileNotFoundError, InterlockError):
        return None


def _retired(session: Session) -> list[int]:
    return list(session.scalars(select(Shard.id).where(Shard.retired_at.is_not(None))))


def _sequence(path: Path) -> int:
    """Return the number of the list that a file holds, 0 where it holds none."""
    try:
        claims = decode_object(from_base64url(path.read_text("ascii").split(".")[1]))
    except (FileNotFoundError, UnicodeDecodeError, IndexError, InterlockError):
        return 0
    sequence = claims.get("seq")
    return sequence if isinstance(sequence, int) else 0


def _write(document: _Document) -> bool:
    path, packed = document.path, _packed(document.path)
    if packed.exists() and path.exists() and path.read_bytes() == document.content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # The compressed one first: where it is there, it is the one that most are given.
    _replace(packed, gzip.compress(document.content, 9, mtime=0), document.signed_at)
    _replace(path, document.content, document.signed_at)
    return True


def _replace(path: Path, content: bytes, signed_at: int) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            os.fchmod(file.fileno(), _READABLE)
            file.flush()
            os.fsync(file.fileno())
        os.utime(draft, (signed_at, signed_at))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _remove(path: Path) -> bool:
    was_there = path.exists()
    for gone in (path, _packed(path)):
        gone.unlink(missing_ok=True)
    return was_there


def _packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")
