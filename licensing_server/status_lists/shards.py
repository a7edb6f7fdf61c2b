"""Giving out indices, and setting bits in the transaction of the act that sets them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.orm import Session

from licensing_protocol.grant import StatusReference
from licensing_protocol.status_list import SHARD_BYTES, SHARD_ENTRIES, Status
from licensing_server.audit_log.tables import LogEntry
from licensing_server.status_lists.tables import Shard, StatusChange

_ENTRIES_PER_BYTE = SHARD_ENTRIES // SHARD_BYTES
_ALL_INVALID = sum(Status.INVALID << 2 * entry for entry in range(_ENTRIES_PER_BYTE))
_NEARLY_FULL = SHARD_ENTRIES // 10 * 9
_FULL = (Shard.next_index >= _NEARLY_FULL, Shard.retired_at.is_(None))
_LONGEST_LIFE_S = 10 * 366 * 86_400
_ROOM_FOR_LOST_SHARDS = 1_000
"""Shards of a million grants each: more than any exporter opens between two backups."""


def shard_uri(public_url: str, shard: int) -> str:
    """Return the identifier of a shard; it is also where this server answers for it."""
    return f"{public_url.rstrip('/')}/v1/status/{shard}"


def allocate(session: Session, count: int, public_url: str, until: int) -> list[StatusReference]:
    """Return ``count`` fresh indices, all in one shard, for an entitlement that ends at ``until`` (seconds).

    None is ever given out twice (protocol §3).
    """
    while (row := _with_room(session, count)) is None:
        open_shard(session, public_url)
    values = {"next_index": row.next_index + count, "needed_until": max(row.needed_until, until)}
    session.execute(update(Shard).where(Shard.id == row.id).values(values))
    return [StatusReference(row.uri, row.next_index + offset) for offset in range(count)]


def open_shard(session: Session, public_url: str) -> None:
    """Open the next shard."""
    newest = session.scalar(select(func.max(Shard.id)))
    _open_shard(session, 1 if newest is None else newest + 1, public_url)


def has_spare(session: Session) -> bool:
    """Tell whether some shard is not nearly full."""
    spare = select(Shard.id).where(Shard.next_index < _NEARLY_FULL, Shard.retired_at.is_(None)).limit(1)
    return session.scalar(spare) is not None


def retirable_at(session: Session) -> int | None:
    """Return when the last entitlement in some shard that is nearly full ends (seconds); ``None`` where none is."""
    return session.scalar(select(func.min(Shard.needed_until)).where(*_FULL))


def retire(session: Session, before: int, now: int) -> dict[int, str]:
    """Let go of the shards, nearly full, whose entitlements had all ended ``before`` an instant; return their URIs."""
    values = {"next_index": SHARD_ENTRIES, "bits": b"", "text": "", "identity": "", "retired_at": now}
    done = update(Shard).where(*_FULL, Shard.needed_until < before).values(values)
    return {row.id: row.uri for row in session.execute(done.returning(Shard.id, Shard.uri))}


def set_status(session: Session, references: Iterable[StatusReference], status: Status, entry: int) -> None:
    """Set bits because of the log entry ``entry`` (its queue id). What is INVALID stays so (protocol §3)."""
    by_shard: dict[str, list[int]] = {}
    for reference in references:
        by_shard.setdefault(reference.uri, []).append(reference.index)
    for uri in sorted(by_shard):
        _set_in_shard(session, uri, by_shard[uri], status, entry)


def set_many(session: Session, indices: Mapping[str, Iterable[int]], status: Status, entry: int) -> None:
    """As :func:`set_status`, for indices by shard URI."""
    for uri in sorted(indices):
        _set_in_shard(session, uri, indices[uri], status, entry)


def give_up_unknown(session: Session, public_url: str, entry: int, now: int) -> None:
    """After a restore: set INVALID what may have been given out since the backup, and go on in a fresh shard.

    The fresh shard's number leaves room for shards that were opened since: no index serves twice (protocol §3).
    """
    last = session.scalar(select(func.max(Shard.id))) or 0
    rows = select(Shard.id, Shard.uri, Shard.next_index).where(Shard.retired_at.is_(None)).order_by(Shard.id)
    for shard, uri, next_index in session.execute(rows).all():
        # What does not fill a byte one by one, the rest of a million entries a byte at a time.
        whole = -(-next_index // _ENTRIES_PER_BYTE)
        _set_in_shard(session, uri, range(next_index, whole * _ENTRIES_PER_BYTE), Status.INVALID, entry)
        kept = session.execute(select(Shard.bits).where(Shard.id == shard)).scalar_one()[:whole]
        filled = kept + bytes([_ALL_INVALID]) * (SHARD_BYTES - whole)
        # Nothing may be left to serve: the lists in the backup are older than those that devices hold.
        values = {"bits": filled, "next_index": SHARD_ENTRIES, "signed_at": 0, "text": "", "identity": ""}
        values["needed_until"] = now + _LONGEST_LIFE_S
        session.execute(update(Shard).where(Shard.id == shard).values(values))
    _open_shard(session, last + _ROOM_FOR_LOST_SHARDS, public_url)


def listed_in(session: Session, entry: int) -> dict[str, int | None]:
    """Return, by shard URI, the ``seq`` of the first signed list that carries an entry's change."""
    rows = select(Shard.uri, StatusChange.sequence).join(StatusChange, StatusChange.shard == Shard.id)
    return {row.uri: row.sequence for row in session.execute(rows.where(StatusChange.entry == entry))}


def listed_about(session: Session, uris: Iterable[str], subjects: Iterable[str]) -> list[tuple[str, int | None]]:
    """Return, as (shard URI, ``seq``), the first signed list of each change in some shards by acts on ``subjects``.

    ``seq`` is ``None`` where none is signed yet.
    """
    rows = select(Shard.uri, StatusChange.sequence).join(StatusChange, StatusChange.shard == Shard.id)
    rows = rows.join(LogEntry, LogEntry.id == StatusChange.entry)
    about = rows.where(Shard.uri.in_(list(uris)), LogEntry.subject.in_(list(subjects)))
    return [(row.uri, row.sequence) for row in session.execute(about)]


def _set_in_shard(session: Session, uri: str, indices: Iterable[int], status: Status, entry: int) -> None:
    row = session.execute(select(Shard.id, Shard.bits).where(Shard.uri == uri).with_for_update()).one()
    bits = bytearray(row.bits)
    _write(bits, indices, status)
    session.execute(update(Shard).where(Shard.id == row.id).values(bits=bytes(bits)))
    known = select(StatusChange.entry).where(StatusChange.entry == entry, StatusChange.shard == row.id)
    if session.scalar(known) is None:
        session.execute(insert(StatusChange).values(entry=entry, shard=row.id, sequence=None))


def _with_room(session: Session, count: int) -> Row[int, str, int, int] | None:
    room = (Shard.next_index + count <= SHARD_ENTRIES, Shard.retired_at.is_(None))
    first = select(Shard.id, Shard.uri, Shard.next_index, Shard.needed_until).where(*room).order_by(Shard.id).limit(1)
    # Twice: on PostgreSQL a row that was filled while its lock was waited for is passed over, and none is looked for.
    return session.execute(first.with_for_update()).first() or session.execute(first.with_for_update()).first()


def _write(bits: bytearray, indices: Iterable[int], status: Status) -> None:
    # A million at once, so in line and without a call for each.
    for index in indices:
        byte, shift = index >> 2, (index & 3) << 1
        held = bits[byte]
        if (held >> shift) & 3 != Status.INVALID:
            bits[byte] = held & ~(3 << shift) | status << shift


def _open_shard(session: Session, shard: int, public_url: str) -> None:
    values = {"id": shard, "uri": shard_uri(public_url, shard), "next_index": 0, "bits": bytes(SHARD_BYTES)}
    unsigned = {"sequence": 0, "signed_at": 0, "text": "", "identity": ""}
    session.execute(insert(Shard).values(values | unsigned | {"needed_until": 0, "retired_at": None}))
