"""The sequencer: gives queued entries their index, contiguous from 0, and their place in the tree.

Index, hashes and the log's size change in one transaction. The size is swapped from the one that was read to the new
one, so that of two sequencers at once one fails and leaves nothing behind, whatever else keeps them apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session

from licensing_protocol.log.merkle import HASH_BYTES, stored_at
from licensing_server.audit_log.origins import tip
from licensing_server.audit_log.tables import Log, LogEntry, LogHash
from licensing_server.audit_log.tree import frontier
from licensing_server.database import Base, changed_one
from licensing_server.problem import Conflict

_BATCH = 2_000
# The tables themselves: thousands of rows at once need no objects.
_LOGS, _ENTRIES, _HASHES = (Base.metadata.tables[kind.__tablename__] for kind in (Log, LogEntry, LogHash))
# For PostgreSQL, which would else be sent a statement for each row. It estimates by a queue that was empty when it last
# looked: what it joins with is given, so that it cannot choose to look at the whole queue for each of its entries.
_PLACE_AT_ONCE = text(
    "UPDATE log_entry SET position = :size + queued.number - 1 "
    "FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS queued (id, number) WHERE log_entry.id = queued.id"
)
_STORE_AT_ONCE = text(
    "INSERT INTO log_hash (place, hash) SELECT :first + number, "
    f"substring(CAST(:hashes AS bytea) FROM number * {HASH_BYTES} + 1 FOR {HASH_BYTES}) "
    "FROM generate_series(0, CAST(:count AS integer) - 1) AS number"
)
_QUEUED = (
    select(_ENTRIES.c.id, _ENTRIES.c.leaf)
    .where(_ENTRIES.c.position.is_(None))
    .order_by(_ENTRIES.c.id)
    .limit(_BATCH)
    .with_for_update()
)
_GROW = (
    update(_LOGS)
    .where(_LOGS.c.number == bindparam("of_log"), _LOGS.c.size == bindparam("from_size"), _LOGS.c.ended_at.is_(None))
    .values(size=bindparam("to_size"))
)
_FIRST = select(_ENTRIES.c.id).where(_ENTRIES.c.position.is_(None)).limit(1)


def sequence(session: Session, now: int) -> int | None:
    """Integrate what is queued; a job's step.

    Raises:
        Conflict: ``log.raced``; nothing was done then.
    """
    return now if integrate(session, *tip(session)) == _BATCH else None


def look(session: Session, now: int) -> int | None:
    """Tell whether anything is queued."""
    return None if session.connection().execute(_FIRST).first() is None else now


def integrate(session: Session, log: int, size: int) -> int:
    """Give up to a batch of queued entries their index and place in the tree, and return how many.

    It is the tree of the log of this number, which was read to have this size.

    Raises:
        Conflict: ``log.raced``.
    """
    connection = session.connection()
    queued = connection.execute(_QUEUED).all()
    if not queued:
        return 0
    values = {"of_log": log, "from_size": size, "to_size": size + len(queued)}
    if not changed_one(connection.execute(_GROW, values)):
        raise Conflict("log.raced", "Another sequencer was first; look at the log again.")
    _place(session, size, [row.id for row in queued])
    _store(session, stored_at(0, size), frontier(session, size).grow([row.leaf for row in queued]))
    return len(queued)


def lag(session: Session, now: int) -> int:
    """Return the age in seconds of the oldest entry without an index, 0 where there is none."""
    oldest = session.scalar(select(func.min(LogEntry.time)).where(LogEntry.position.is_(None)))
    return 0 if oldest is None else max(0, now - oldest)


def _place(session: Session, size: int, ids: Sequence[int]) -> None:
    """Give entries their indices, from ``size`` on."""
    if _is_postgresql(session):
        session.execute(_PLACE_AT_ONCE, {"size": size, "ids": f"{{{','.join(map(str, ids))}}}"})
    else:
        rows = [{"entry": entry, "index": size + offset} for offset, entry in enumerate(ids)]
        placed = update(_ENTRIES).where(_ENTRIES.c.id == bindparam("entry")).values(position=bindparam("index"))
        session.connection().execute(placed, rows)


def _store(session: Session, first: int, hashes: Sequence[bytes]) -> None:
    """Store hashes at their places, which follow each other."""
    if _is_postgresql(session):
        session.execute(_STORE_AT_ONCE, {"first": first, "count": len(hashes), "hashes": b"".join(hashes)})
    else:
        rows = [{"place": first + offset, "hash": found} for offset, found in enumerate(hashes)]
        session.execute(insert(_HASHES), rows)


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
