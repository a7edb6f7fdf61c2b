"""Signed heads of the tree, as they are read."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from licensing_protocol.log.note import Note, signature_lines
from licensing_server.audit_log.origins import newest
from licensing_server.audit_log.tables import LogCheckpoint, LogCosignature, LogEntry


def newest_row(session: Session, *conditions: ColumnElement[bool]) -> LogCheckpoint | None:
    """Return the newest head that was signed under the log's present name, and of which the conditions hold."""
    rows = select(LogCheckpoint).where(LogCheckpoint.log == newest(session).number, *conditions)
    return session.scalar(rows.order_by(LogCheckpoint.size.desc()).limit(1))


def checkpoint(session: Session, size: int | None = None) -> Note | None:
    """Return the newest checkpoint under the log's present name, or the one of ``size``, with its cosignatures.

    The newest is not shown to others yet where witnesses have to see it first.
    """
    row = newest_row(session) if size is None else session.get(LogCheckpoint, size)
    return None if row is None else note_of(session, row)


def shown(session: Session, now: int) -> Note | None:
    """Return the newest checkpoint under the log's present name that is shown to others, with its cosignatures.

    One that its witnesses have yet to see is not, until they have or are away for too long: nobody who asks for their
    quorum must be refused a head of this moment. What is shown only grows.
    """
    row = newest_row(session, LogCheckpoint.unseen_until.is_(None) | (LogCheckpoint.unseen_until <= now))
    return None if row is None else note_of(session, row)


def show(session: Session, size: int) -> None:
    """Show the checkpoint of this size from now on: its witnesses have seen it."""
    session.execute(update(LogCheckpoint).where(LogCheckpoint.size == size).values(unseen_until=None))


def unsigned_lag(session: Session, now: int) -> int:
    """Return the age in seconds of the oldest entry with an index that no checkpoint covers, 0 where none should."""
    signed = newest_row(session)
    first = 0 if signed is None else signed.size
    time = session.scalar(select(LogEntry.time).where(LogEntry.position == first))
    return 0 if time is None or not is_open(session) else max(0, now - time)


def is_open(session: Session) -> bool:
    """Tell whether checkpoints are signed: not so while a restore waits for people to accept it."""
    return newest(session).opened_at is not None


def note_of(session: Session, row: LogCheckpoint) -> Note:
    """Return a checkpoint with the cosignatures that it has by now."""
    lines = select(LogCosignature.line).where(LogCosignature.size == row.size).order_by(LogCosignature.name)
    return Note(row.text, signature_lines("".join([row.signatures, *session.scalars(lines)])))
