"""The sequencer: gives queued entries their index, contiguous from 0, in one order for everybody."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from licensing_server.audit_log.tables import LogEntry

_BATCH = 2_000


def sequence(session: Session, now: int) -> int | None:
    """Give every queued entry its index; a job's step. Only one runs at a time, under the job's lock."""
    size = sequenced_size(session)
    queued = select(LogEntry.id).where(LogEntry.position.is_(None)).order_by(LogEntry.id).limit(_BATCH)
    found = list(session.scalars(queued))
    if found:
        rows = [{"id": entry, "position": size + offset} for offset, entry in enumerate(found)]
        session.execute(update(LogEntry), rows)
    return now if len(found) == _BATCH else None


def sequenced_size(session: Session) -> int:
    """Return how many entries have an index."""
    last = session.scalar(select(func.max(LogEntry.position)))
    return 0 if last is None else last + 1


def lag(session: Session, now: int) -> int:
    """Return the age in seconds of the oldest entry without an index, 0 where there is none."""
    oldest = session.scalar(select(func.min(LogEntry.time)).where(LogEntry.position.is_(None)))
    return 0 if oldest is None else max(0, now - oldest)
