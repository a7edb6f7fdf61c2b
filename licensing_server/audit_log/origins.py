"""Under which name the log is signed, and how it goes on under a new one after a restore."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from licensing_server.audit_log.record import record
from licensing_server.audit_log.tables import Log, LogEntry
from licensing_server.database import table_of
from licensing_server.problem import Unavailable

SYSTEM = "system"
SUBJECT = "log"
_LOG = table_of(Log)
# Written once, because to compose a statement costs more than to run it.
_TIP = select(_LOG.c.number, _LOG.c.size).order_by(_LOG.c.number.desc()).limit(1)
ORIGIN = select(_LOG.c.origin).order_by(_LOG.c.number.desc()).limit(1)
"""What :func:`origin` reads, for a statement that reads more."""


def begin(session: Session, origin: str, now: int) -> None:
    """Begin the log under its first name, with whatever entries have an index already, unless it has begun."""
    if has_begun(session):
        return
    last = session.scalar(select(func.max(LogEntry.position)))
    size = 0 if last is None else last + 1
    session.add(
        Log(number=1, origin=origin, first=0, size=size, previous="", begun_at=now, opened_at=now, ended_at=None)
    )
    session.flush()
    record(session, "log.begun", time=now, actor=SYSTEM, subject=SUBJECT, data={"origin": origin})


def has_begun(session: Session) -> bool:
    """Tell whether the log has a name."""
    return session.scalar(select(Log.number).limit(1)) is not None


def newest(session: Session) -> Log:
    """Return the log under its present name.

    Raises:
        Unavailable: ``log.unbegun``.
    """
    found = session.scalar(select(Log).order_by(Log.number.desc()).limit(1))
    if found is None:
        raise _unbegun()
    return found


def origin(session: Session) -> str:
    """Return the name under which entries are signed that are queued now; Unavailable ``log.unbegun``."""
    found: str | None = session.connection().execute(ORIGIN).scalar_one_or_none()
    if found is None:
        raise _unbegun()
    return found


def size(session: Session) -> int:
    """Return how many entries have an index; Unavailable ``log.unbegun``."""
    return tip(session)[1]


def tip(session: Session) -> tuple[int, int]:
    """Return the number of the log under its present name, and how many entries have an index.

    Raises:
        Unavailable: ``log.unbegun``.
    """
    found = session.connection().execute(_TIP).one_or_none()
    if found is None:
        raise _unbegun()
    return found.number, found.size


def open_log(session: Session, now: int) -> None:
    """Let checkpoints be signed again after a restore."""
    session.execute(update(Log).where(Log.ended_at.is_(None), Log.opened_at.is_(None)).values(opened_at=now))


def _unbegun() -> Unavailable:
    return Unavailable("log.unbegun", "The log has not begun; start the server once, and try again.")
