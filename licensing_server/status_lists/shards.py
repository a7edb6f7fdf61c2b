"""Giving out indices, and setting bits in the transaction of the act that sets them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from licensing_protocol.grant import StatusReference
from licensing_protocol.status_list import SHARD_BYTES, SHARD_ENTRIES, Status, read_status, write_status
from licensing_server.status_lists.tables import Shard, StatusChange

_ENTRIES_PER_BYTE = SHARD_ENTRIES // SHARD_BYTES
_ALL_INVALID = sum(Status.INVALID << 2 * entry for entry in range(_ENTRIES_PER_BYTE))
_ROOM_FOR_LOST_SHARDS = 1_000
"""Shards of a million grants each: more than any exporter opens between two backups."""


def shard_uri(public_url: str, shard: int) -> str:
    """Return the identifier of a shard; it is also where this server answers for it."""
    return f"{public_url.rstrip('/')}/v1/status/{shard}"


def allocate(session: Session, count: int, public_url: str) -> list[StatusReference]:
    """Return ``count`` fresh indices, all in one shard. None is ever given out twice (protocol §3)."""
    newest = select(Shard.id, Shard.uri, Shard.next_index).order_by(Shard.id.desc()).limit(1).with_for_update()
    row = session.execute(newest).one_or_none()
    if row is None or row.next_index + count > SHARD_ENTRIES:
        shard, uri, first = _open_shard(session, 1 if row is None else row.id + 1, public_url), "", 0
        uri = shard_uri(public_url, shard)
    else:
        shard, uri, first = row
    session.execute(update(Shard).where(Shard.id == shard).values(next_index=first + count))
    return [StatusReference(uri, index) for index in range(first, first + count)]


def set_status(session: Session, references: Iterable[StatusReference], status: Status, entry: int) -> None:
    """Set bits because of the log entry ``entry`` (its queue id). What is INVALID stays so (protocol §3)."""
    by_shard: dict[str, list[int]] = {}
    for reference in references:
        by_shard.setdefault(reference.uri, []).append(reference.index)
    for uri in sorted(by_shard):
        _set_in_shard(session, uri, by_shard[uri], status, entry)


def give_up_unknown(session: Session, public_url: str, entry: int) -> None:
    """After a restore: set INVALID what may have been given out since the backup, and go on in a fresh shard.

    The fresh shard's number leaves room for shards that were opened since: no index serves twice (protocol §3).
    """
    last = 0
    rows = select(Shard.id, Shard.uri, Shard.next_index).order_by(Shard.id)
    for shard, uri, next_index in session.execute(rows).all():
        # What does not fill a byte one by one, the rest of a million entries a byte at a time.
        whole = -(-next_index // _ENTRIES_PER_BYTE)
        _set_in_shard(session, uri, range(next_index, whole * _ENTRIES_PER_BYTE), Status.INVALID, entry)
        kept = session.execute(select(Shard.bits).where(Shard.id == shard)).scalar_one()[:whole]
        filled = kept + bytes([_ALL_INVALID]) * (SHARD_BYTES - whole)
        session.execute(update(Shard).where(Shard.id == shard).values(bits=filled, next_index=SHARD_ENTRIES))
        last = shard
    _open_shard(session, last + _ROOM_FOR_LOST_SHARDS, public_url)


def listed_in(session: Session, entry: int) -> dict[str, int | None]:
    """Return, by shard URI, the ``seq`` of the first signed list that carries an entry's change."""
    rows = select(Shard.uri, StatusChange.sequence).join(StatusChange, StatusChange.shard == Shard.id)
    return {row.uri: row.sequence for row in session.execute(rows.where(StatusChange.entry == entry))}


def _set_in_shard(session: Session, uri: str, indices: Iterable[int], status: Status, entry: int) -> None:
    row = session.execute(select(Shard.id, Shard.bits).where(Shard.uri == uri).with_for_update()).one()
    bits = bytearray(row.bits)
    for index in indices:
        if read_status(bits, index) is not Status.INVALID:
            write_status(bits, index, status)
    session.execute(update(Shard).where(Shard.id == row.id).values(bits=bytes(bits)))
    known = select(StatusChange.entry).where(StatusChange.entry == entry, StatusChange.shard == row.id)
    if session.scalar(known) is None:
        session.execute(insert(StatusChange).values(entry=entry, shard=row.id, sequence=None))


def _open_shard(session: Session, shard: int, public_url: str) -> int:
    values = {"id": shard, "uri": shard_uri(public_url, shard), "next_index": 0, "bits": bytes(SHARD_BYTES)}
    session.execute(insert(Shard).values(values | {"sequence": 0, "signed_at": 0, "text": "", "identity": ""}))
    return shard
