"""The sequencer: gives queued entries their index, contiguous from 0, and their place in the tree.

Index, hashes and the log's size change in one transaction. The size is swapped from the one that was read to the new
one, so that of two sequencers at once one fails and leaves nothing behind, whatever else keeps them apart.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Subquery, func, insert, select, update
from sqlalchemy.orm import Session

from licensing_protocol.log.merkle import stored_at
from licensing_server.audit_log.origins import newest
from licensing_server.audit_log.tables import Log, LogEntry, LogHash
from licensing_server.audit_log.tree import frontier
from licensing_server.database import Base, changed_one
from licensing_server.problem import Conflict

_BATCH = 2_000
# The tables themselves: thousands of rows at once need no objects.
_ENTRIES, _HASHES = (Base.metadata.tables[kind.__tablename__] for kind in (LogEntry, LogHash))


def sequence(session: Session, now: int) -> int | None:
    """Integrate what is queued; a job's step.

    Raises:
        Conflict: ``log.raced``; nothing was done then.
    """
    return now if integrate(session, newest(session)) == _BATCH else None


def integrate(session: Session, log: Log) -> int:
    """Give up to a batch of queued entries their index and place in the tree; return how many.

    Raises:
        Conflict: ``log.raced``.
    """
    size = log.size
    leaves = _take(session, size)
    if not leaves:
        return 0
    swap = update(Log).where(Log.number == log.number, Log.size == size, Log.ended_at.is_(None))
    grown = {"size": size + len(leaves)}
    if not changed_one(session.execute(swap.values(grown))):
        raise Conflict("log.raced", "Another sequencer was first; look at the log again.")
    hashes = frontier(session, size).grow(leaves)
    first = stored_at(0, size)
    rows = [{"place": first + offset, "hash": found} for offset, found in enumerate(hashes)]
    session.execute(insert(_HASHES), rows)
    return len(leaves)


def sequenced_size(session: Session) -> int:
    """Return how many entries have an index."""
    last = session.scalar(select(func.max(LogEntry.position)))
    return 0 if last is None else last + 1


def lag(session: Session, now: int) -> int:
    """Return the age in seconds of the oldest entry without an index, 0 where there is none."""
    oldest = session.scalar(select(func.min(LogEntry.time)).where(LogEntry.position.is_(None)))
    return 0 if oldest is None else max(0, now - oldest)


def _take(session: Session, size: int) -> list[bytes]:
    """Give indices from ``size`` on; return the leaves in their order."""
    numbered = _numbered()
    taken = (
        update(_ENTRIES)
        .where(_ENTRIES.c.id == numbered.c.id, _is_queued())
        .values(position=numbered.c.number + (size - 1))
        .returning(_ENTRIES.c.position, _ENTRIES.c.leaf)
    )
    # A statement with RETURNING gives its rows in any order.
    return [leaf for _, leaf in sorted((row.position, row.leaf) for row in session.execute(taken))]


def _numbered() -> Subquery:
    waiting = select(_ENTRIES.c.id).where(_is_queued()).order_by(_ENTRIES.c.id).limit(_BATCH).subquery()
    return select(waiting.c.id, func.row_number().over(order_by=waiting.c.id).label("number")).subquery()


def _is_queued() -> ColumnElement[bool]:
    return _ENTRIES.c.position.is_(None)
