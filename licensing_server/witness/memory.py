"""What a witness remembers, in a small SQLite database of its own: the logs that it knows, and what it saw of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import BigInteger, LargeBinary, MetaData, String, Text, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from licensing_protocol.canonical import digest
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey
from licensing_protocol.log.witness import AddCheckpoint, Answer, Seen
from licensing_server.database.base import NAMES, Instant

_MOST_REFUSED = 100
"""Refused requests that are kept of one log for each answer: enough to prove what it did, too few to fill a disk.

Anybody can have a 422 kept, for want of a proof; those must not take the room of two trees of one size.
"""


class Memory(DeclarativeBase):
    """Base of a witness's tables, apart from those of an exporter's server."""

    metadata = MetaData(naming_convention=NAMES)


class Own(Memory):
    """Whose memory this is: the witness's verifier key, in one row."""

    __tablename__ = "own"

    key: Mapped[str] = mapped_column(Text, primary_key=True)


class KnownKey(Memory):
    """A verifier key of a log: a log whose key was changed has several."""

    __tablename__ = "known_key"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    origin: Mapped[str] = mapped_column(Text, index=True)
    trusted_at: Mapped[int] = mapped_column(Instant)


class Head(Memory):
    """The newest head of a log that was cosigned: ``note`` is the checkpoint with the log's signatures and our own.

    ``address`` is the SHA-256 of the origin in hexadecimal, under which monitors ask for it.
    """

    __tablename__ = "head"

    origin: Mapped[str] = mapped_column(Text, primary_key=True)
    address: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[bytes] = mapped_column(LargeBinary)
    cosigned_at: Mapped[int] = mapped_column(Instant)


class Refused(Memory):
    """A checkpoint that a log signed and that does not follow from what was seen, with the ``request`` it came in.

    ``seen`` is the note of the head that was remembered then.
    """

    __tablename__ = "refused"

    origin: Mapped[str] = mapped_column(Text, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    root: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    answer: Mapped[int]
    request: Mapped[bytes] = mapped_column(LargeBinary)
    seen: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[int] = mapped_column(Instant)


def address_of(origin: str) -> str:
    """Return the name under which a log's newest checkpoint is read."""
    return digest(origin.encode()).hex()


def keys_of(session: Session, origin: str) -> list[NoteKey]:
    """Return the keys by which a log is known here, none where it is not."""
    rows = select(KnownKey.key).where(KnownKey.origin == origin).order_by(KnownKey.trusted_at)
    return [NoteKey.parse(key) for key in session.scalars(rows)]


def origin_of(session: Session, key: NoteKey) -> str | None:
    """Return the origin of the log that is known by a key; ``None`` where none is."""
    row = session.get(KnownKey, str(key))
    return None if row is None else row.origin


def trust(session: Session, key: NoteKey, origin: str, now: int) -> None:
    """Know a log by a key, which none was known by, from now on."""
    session.add(KnownKey(key=str(key), origin=origin, trusted_at=now))


def distrust(session: Session, key: NoteKey) -> bool:
    """Know a log by a key no longer, and keep what was seen of it; tell whether it was known."""
    row = session.get(KnownKey, str(key))
    if row is None:
        return False
    session.delete(row)
    return True


def seen_of(session: Session, origin: str) -> Seen:
    """Return the newest head that was cosigned of a log, at first that of nothing."""
    row = session.get(Head, origin)
    return Seen() if row is None else Seen(row.size, row.root)


def remember(session: Session, checkpoint: Checkpoint, note: Note, now: int) -> None:
    """Make a head the newest one of its log."""
    row = session.get(Head, checkpoint.origin)
    if row is None:
        row = Head(origin=checkpoint.origin, address=address_of(checkpoint.origin))
        session.add(row)
    row.size, row.root, row.note, row.cosigned_at = checkpoint.size, checkpoint.root, note.to_bytes(), now


def keep_refused(session: Session, checkpoint: Checkpoint, request: AddCheckpoint, answer: Answer, now: int) -> None:
    """Keep a request that a log signed and that was refused, each checkpoint once.

    One that was kept for want of a proof, and is now the second tree of one size, is kept as that: it proves itself.
    """
    identity = (checkpoint.origin, checkpoint.size, checkpoint.root)
    row = session.get(Refused, identity)
    if row is None and _count_refused(session, checkpoint.origin, answer) >= _MOST_REFUSED:
        return
    if row is not None and (row.answer == answer or answer is not Answer.CONFLICT):
        return
    head = session.get(Head, checkpoint.origin)
    row = row or Refused(**dict(zip(("origin", "size", "root"), identity, strict=True)))
    row.answer, row.request, row.at = int(answer), request.to_bytes(), now
    row.seen = b"" if head is None else head.note
    session.add(row)


def _count_refused(session: Session, origin: str, answer: Answer) -> int:
    kept = select(func.count()).where(Refused.origin == origin, Refused.answer == int(answer))
    return session.scalars(kept).one()


def sizes(session: Session) -> Mapping[str, int]:
    """Return the size of the newest head that was cosigned of every log that is known, by its origin."""
    rows = select(KnownKey.origin, Head.size).outerjoin(Head, Head.origin == KnownKey.origin).order_by(KnownKey.origin)
    return {origin: size or 0 for origin, size in session.execute(rows)}


def own_key(session: Session) -> str | None:
    """Return the verifier key of the witness whose memory this is."""
    return session.scalar(select(Own.key))


def origins(session: Session) -> Iterable[str]:
    """Return every log that is known or was, in the order of names."""
    return sorted({*session.scalars(select(KnownKey.origin)), *session.scalars(select(Head.origin))})
