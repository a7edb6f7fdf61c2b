"""What has been seen by the quorum of witnesses, and how long an act waits for that."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from licensing_server import audit_log
from licensing_server.audit_log.tables import LogEntry
from licensing_server.witnessing.outcome import State
from licensing_server.witnessing.tables import LogQuorum, LogWitness


def witnessed_size(session: Session) -> int:
    """Return how many entries the newest checkpoint that the quorum has cosigned covers, 0 where there is none.

    After a restore the log has a new name, under which nothing was seen yet.
    """
    seen = select(func.max(LogQuorum.size)).where(LogQuorum.origin == audit_log.origin(session))
    return session.scalar(seen) or 0


def is_witnessed(session: Session, entry: int) -> bool:
    """Tell whether the quorum has seen a log entry (``entry`` is its number in the queue)."""
    position = session.scalar(select(LogEntry.position).where(LogEntry.id == entry))
    return position is not None and position < witnessed_size(session)


def is_seen(session: Session, entry: InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    """As :func:`is_witnessed`, as a condition on a column with numbers in the queue."""
    seen = (LogEntry.id == entry, LogEntry.position < witnessed_size(session))
    return exists(select(LogEntry.id).where(*seen).correlate(entry.class_))


def waits(session: Session, entry: int, since: int, patience: int | None, now: int) -> bool:
    """Tell whether an act that ``entry`` recorded at an instant still waits for the quorum.

    ``patience`` is for how many seconds it does at most, ``None`` where it never waits.
    """
    return patience is not None and since <= now < since + patience and not is_witnessed(session, entry)


def refusing(session: Session) -> list[str]:
    """Return the names of the witnesses that refuse the newest checkpoint as not following from what they saw."""
    rows = select(LogWitness.name).where(LogWitness.origin == audit_log.origin(session))
    return list(session.scalars(rows.where(LogWitness.state == str(State.REFUSED)).order_by(LogWitness.name)))
