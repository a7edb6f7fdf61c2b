"""Queues an entry in the transaction of the act that it records (protocol §8)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject, encode, to_base64url
from licensing_protocol.log.commitment import SALT_BYTES, commitment
from licensing_protocol.log.merkle import leaf_hash
from licensing_server.audit_log.tables import CommittedValue, LogEntry
from licensing_server.database import table_of
from licensing_server.problem import Unprocessable

MAX_BODY: Final = 65_535
_VERSION: Final = 1
# Written once, because to compose a statement costs more than to run it.
_ENTRY: Final = table_of(LogEntry)
_QUEUE: Final = insert(_ENTRY).returning(_ENTRY.c.id)


@dataclass(frozen=True, slots=True)
class Queued:
    """An entry that waits for its index: ``id`` in the queue, and its RFC 6962 leaf hash."""

    id: int
    leaf: bytes


def record(
    session: Session,
    type: str,
    *,
    time: int,
    actor: str,
    subject: str,
    data: JsonObject | None = None,
    sensitive: Mapping[str, Any] | None = None,
) -> Queued:
    """Queue one entry. ``actor`` and ``subject`` are opaque ids, and ``data`` holds nothing about a person.

    What is ``sensitive`` is only committed to: its value lies beside the log and can be erased.

    Raises:
        Unprocessable: ``log.entry_too_large``; then the act does not happen.
    """
    salted = {name: (secrets.token_bytes(SALT_BYTES), value) for name, value in (sensitive or {}).items()}
    commitments = {name: to_base64url(commitment(type, name, salt, value)) for name, (salt, value) in salted.items()}
    entry = {"v": _VERSION, "type": type, "time": time, "actor": actor, "subject": subject}
    body = encode(entry | {"data": (data or {}) | commitments})
    if len(body) > MAX_BODY:
        raise Unprocessable("log.entry_too_large", "This act is too large to be recorded; divide it.")
    leaf = leaf_hash(body)
    values = {"body": body, "leaf": leaf, "type": type, "time": time, "actor": actor, "subject": subject}
    session.flush()
    entry_id = session.connection().execute(_QUEUE, values).scalar_one()
    if salted:
        rows = [
            {"entry": entry_id, "field": name, "salt": salt, "value": encode(value).decode()}
            for name, (salt, value) in salted.items()
        ]
        session.execute(insert(CommittedValue), rows)
    return Queued(entry_id, leaf)
