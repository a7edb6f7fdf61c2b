"""Signs each shard when its bits changed, at most once a second, and before its list ages (protocol §4).

A list is compressed and signed from one moment's view of the database, while orders and check-ins go on; only to keep
it takes a transaction that writes. Before that commit no list leaves this process, and of two lists with one number
only one can be committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, func, select, update
from sqlalchemy.orm import Session

from licensing_protocol import token
from licensing_protocol.status_list import LogPosition, StatusList
from licensing_protocol.token import TokenType
from licensing_server import accounts, audit_log
from licensing_server.audit_log.tables import LogEntry
from licensing_server.config import Settings
from licensing_server.database import Database, changed_one, table_of
from licensing_server.jobs import ELSEWHERE_S
from licensing_server.signing import Signatory
from licensing_server.status_lists.tables import Shard, StatusChange

_BATCH = 10_000
# Longer than the first segment of any list, and much shorter than a list.
_BEGINNING = 1_000
_SHARD, _CHANGE = table_of(Shard), table_of(StatusChange)
# Written once, because to compose a statement costs more than to run it.
_LIVING = select(_SHARD.c.id).where(_SHARD.c.retired_at.is_(None)).order_by(_SHARD.c.id)
_SIGNED = select(_SHARD.c.signed_at, func.substr(_SHARD.c.text, 1, _BEGINNING).label("begins")).where(
    _SHARD.c.id == bindparam("of_shard")
)
_CHANGED = (
    select(_CHANGE.c.entry).where(_CHANGE.c.shard == bindparam("of_shard"), _CHANGE.c.sequence.is_(None)).limit(1)
)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A shard at one moment: ``entries`` are the log entries whose changes no signed list carries yet."""

    shard: int
    uri: str
    bits: bytes
    previous: int
    log: LogPosition
    entries: Sequence[int]


class Signing:
    """Signs what is due, one shard after another, each under a lock of its own over all processes."""

    name = "status-lists"
    pace_s = 0

    def __init__(self, settings: Settings, signatory: Signatory) -> None:
        self._settings = settings
        self._signatory = signatory

    def run(self, database: Database, now: int) -> int | None:
        """Sign what is due; return when the next list is.

        While a restored backup waits to be accepted nothing is signed: what was revoked after the backup would be
        VALID in a new list, and a device that gets none denies by itself after ``max_offline``.
        """
        with database.read() as session:
            if accounts.waiting(session) is not None:
                return None
            shards = session.connection().execute(_LIVING).scalars().all()
            due = {shard: self._due(session, shard, now) for shard in shards}
        return min((at if at > now else self._attend(database, shard, now) for shard, at in due.items()), default=None)

    def _attend(self, database: Database, shard: int, now: int) -> int:
        with database.alone(f"{self.name}/{shard}") as ours:
            if not ours:
                return now + ELSEWHERE_S
            with database.read() as session:
                # Another process may have signed it meanwhile.
                due = self._due(session, shard, now)
                draft = _draft(session, shard) if due <= now else None
            return due if draft is None else self._sign(database, draft, now)

    def _due(self, session: Session, shard: int, now: int) -> int:
        row = session.connection().execute(_SIGNED, {"of_shard": shard}).one()
        signed_at: int = row.signed_at
        lasts_on = any(row.begins.startswith(begin) for begin in self._signatory.lasting(TokenType.STATUS_LIST))
        if now < signed_at + self._settings.status_resign and lasts_on and not _changed(session, shard):
            return signed_at + self._settings.status_resign
        # Not later than that: a clock that once was ahead must not hold a revocation back until it is there again.
        return now + 1 if now == signed_at else now

    def _sign(self, database: Database, draft: _Draft, now: int) -> int:
        settings, sequence = self._settings, max(draft.previous + 1, now)
        made = StatusList(
            issuer=settings.issuer,
            uri=draft.uri,
            issued_at=now,
            expires=now + settings.status_lifetime,
            ttl=settings.status_ttl,
            sequence=sequence,
            log=draft.log,
            bits=draft.bits,
        )
        text = made.sign(self._signatory.signer)
        values = {"sequence": sequence, "signed_at": now, "text": text, "identity": token.identity(text)}
        with database.write() as session:
            if accounts.waiting(session) is not None:
                # Closed while this was signed: what it says may be older than what devices hold.
                return now + ELSEWHERE_S
            expected = (Shard.id == draft.shard, Shard.sequence == draft.previous, Shard.retired_at.is_(None))
            if not changed_one(session.execute(update(Shard).where(*expected).values(values))):
                return now + ELSEWHERE_S
            for first in range(0, len(draft.entries), _BATCH):
                entries = draft.entries[first : first + _BATCH]
                listed = (StatusChange.shard == draft.shard, StatusChange.entry.in_(entries))
                session.execute(update(StatusChange).where(*listed).values(sequence=sequence))
        return now + settings.status_resign


def _draft(session: Session, shard: int) -> _Draft | None:
    """Return the shard as it is, or ``None`` while an order that changed it has no index in the log yet.

    Every non-zero bit has its order in the log below the size that the list names, so the sequencer goes first. An
    order's bits and its entry come with one commit: one moment shows both or neither.
    """
    queued = select(StatusChange.entry).join(LogEntry, LogEntry.id == StatusChange.entry).where(*_unlisted(shard))
    if session.scalar(queued.where(LogEntry.position.is_(None)).limit(1)) is not None:
        return None
    entries = list(session.scalars(select(StatusChange.entry).where(*_unlisted(shard))))
    row = session.execute(select(Shard.uri, Shard.bits, Shard.sequence).where(Shard.id == shard)).one()
    log = LogPosition(audit_log.origin(session), audit_log.size(session))
    return _Draft(shard, row.uri, row.bits, row.sequence, log, entries)


def _changed(session: Session, shard: int) -> bool:
    return session.connection().execute(_CHANGED, {"of_shard": shard}).first() is not None


def _unlisted(shard: int) -> tuple[ColumnElement[bool], ...]:
    return StatusChange.shard == shard, StatusChange.sequence.is_(None)
