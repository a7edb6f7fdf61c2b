"""How the log goes on after a restore: the tree that is left, under a new name that nobody has seen a larger one of."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.note import Note
from licensing_server.audit_log.checkpoints import newest_row, note_of
from licensing_server.audit_log.origins import SUBJECT, SYSTEM, newest
from licensing_server.audit_log.record import record
from licensing_server.audit_log.sequence import integrate
from licensing_server.audit_log.sign import contradicts
from licensing_server.audit_log.tables import Log
from licensing_server.database import changed_one
from licensing_server.problem import Conflict


def begin_anew(session: Session, head: Note | None, now: int) -> Log:
    """End the log under its present name, and let it go on under another; nothing is signed before ``open_log``.

    The first entry under the new name says which head of the old one is the newest that is known (``head`` where the
    database does not lead to it, else that of the database), and from which index on entries of it may be lost.

    Raises:
        Conflict: ``log.raced``.
    """
    old = newest(session)
    while integrate(session, old.number, old.size):
        session.refresh(old)
    ended = update(Log).where(Log.number == old.number, Log.ended_at.is_(None), Log.size == old.size)
    if not changed_one(session.execute(ended.values(ended_at=now))):
        raise Conflict("log.raced", "The log was changed by another meanwhile; look at it again.")
    previous = head if head is not None and contradicts(session, Checkpoint.parse(head.text)) else _signed(session)
    log = Log(
        number=old.number + 1,
        origin=_new_origin(session, now),
        first=old.size,
        size=old.size,
        previous="" if previous is None else previous.to_bytes().decode(),
        begun_at=now,
        opened_at=None,
        ended_at=None,
    )
    session.add(log)
    session.flush()
    data: JsonObject = {"origin": log.origin, "lost_from": log.first, "previous": _shown(previous)}
    record(session, "log.begun", time=now, actor=SYSTEM, subject=SUBJECT, data=data)
    integrate(session, log.number, log.size)
    session.refresh(log)
    return log


def _signed(session: Session) -> Note | None:
    row = newest_row(session)
    return None if row is None else note_of(session, row)


def _new_origin(session: Session, now: int) -> str:
    # By the time, not by a number: a number of a log that a restored database knows nothing of would be used twice.
    first = session.scalars(select(Log.origin).order_by(Log.number).limit(1)).one()
    return f"{first}/{now}"


def _shown(head: Note | None) -> JsonObject | None:
    if head is None:
        return None
    checkpoint = Checkpoint.parse(head.text)
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": to_base64(checkpoint.root)}
