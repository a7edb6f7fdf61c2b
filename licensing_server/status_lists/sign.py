"""Signs each shard when its bits changed, at most once a second, and before its list ages (protocol §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from licensing_protocol import token
from licensing_protocol.keys import Signer
from licensing_protocol.status_list import LogPosition, StatusList
from licensing_server import audit_log
from licensing_server.audit_log.tables import LogEntry
from licensing_server.config import Settings
from licensing_server.jobs import Job
from licensing_server.status_lists.tables import Shard, StatusChange


@dataclass(frozen=True, slots=True)
class Terms:
    """What goes into every list: ``issuer``, and seconds for cache, life and re-signing."""

    issuer: str
    ttl: int
    lifetime: int
    resign: int


def job(settings: Settings, signer: Signer) -> Job:
    """Return the signing job."""
    terms = Terms(settings.issuer, settings.status_ttl, settings.status_lifetime, settings.status_resign)
    return Job("status-lists", _step(terms, signer))


def _step(terms: Terms, signer: Signer) -> Callable[[Session, int], int | None]:
    def step(session: Session, now: int) -> int | None:
        due = []
        for shard, signed_at in session.execute(select(Shard.id, Shard.signed_at).order_by(Shard.id)).all():
            due.append(_sign_if_due(session, shard, signed_at, terms, signer, now))
        return min(due, default=None)

    return step


def _sign_if_due(session: Session, shard: int, signed_at: int, terms: Terms, signer: Signer, now: int) -> int:
    if now < signed_at + terms.resign and not _changed(session, shard):
        return signed_at + terms.resign
    # Not later than that: a clock that once was ahead must not hold a revocation back until it is there again.
    if now == signed_at:
        return signed_at + 1
    row = session.execute(
        select(Shard.uri, Shard.bits, Shard.sequence).where(Shard.id == shard).with_for_update()
    ).one()
    # Every non-zero bit has its order in the log below the size that the list names, so the sequencer goes first.
    # Looked at under the lock: an order that commits until then has its bits in ``row``, one that comes later has not.
    if _changed(session, shard, unsequenced=True):
        return now
    sequence = max(row.sequence + 1, now)
    log = LogPosition(terms.issuer, audit_log.sequenced_size(session))
    expires = now + terms.lifetime
    signed = StatusList(terms.issuer, row.uri, now, expires, terms.ttl, sequence, log, bytes(row.bits)).sign(signer)
    values = {"sequence": sequence, "signed_at": now, "text": signed, "identity": token.identity(signed)}
    session.execute(update(Shard).where(Shard.id == shard).values(values))
    session.execute(update(StatusChange).where(*_unlisted(shard)).values(sequence=sequence))
    return now + terms.resign


def _changed(session: Session, shard: int, *, unsequenced: bool = False) -> bool:
    changes = select(StatusChange.entry).where(*_unlisted(shard))
    if unsequenced:
        changes = changes.join(LogEntry, LogEntry.id == StatusChange.entry).where(LogEntry.position.is_(None))
    return session.execute(changes.limit(1)).first() is not None


def _unlisted(shard: int) -> tuple[ColumnElement[bool], ...]:
    return StatusChange.shard == shard, StatusChange.sequence.is_(None)
