"""Reads a server's log as an auditor does, and fills it as many acts would."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import from_base64url
from licensing_protocol.log.checkpoint import Checkpoint, verify
from licensing_protocol.log.lines import hash_line
from licensing_protocol.log.merkle import leaf_hash, root_hash, stored_at
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey, SignatureType
from licensing_protocol.log.proof import verify_consistency
from licensing_protocol.trust import Delegation
from licensing_server import audit_log, clock
from licensing_server.audit_log.tables import LogCheckpoint, LogEntry, LogHash
from licensing_server.database import Database
from licensing_server.web import Role
from tests.server.exporter import Exporter


def newest(exporter: Exporter) -> tuple[Note, Checkpoint]:
    """Return the newest checkpoint, as the server shows it."""
    answer = exporter.ask("GET", "/log/checkpoint", Role.AUDITOR)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    note = Note.parse(answer.content)
    return note, Checkpoint.parse(note.text)


def heads(exporter: Exporter) -> list[Checkpoint]:
    """Return every head that was ever signed, the first one first."""
    shown = exporter.all("/v1/log/checkpoints", Role.AUDITOR)
    return [Checkpoint.parse(Note.parse(head["note"].encode()).text) for head in shown]


def log_key(exporter: Exporter, origin: str) -> NoteKey:
    """Return the key of the log that the root of trust names."""
    (key,) = exporter.trusted().keys(Delegation.LOG)
    return NoteKey.of(origin, SignatureType.ED25519, key)


def believing(exporter: Exporter) -> Callable[[Note], Checkpoint]:
    """Return what verifies a checkpoint of this exporter."""
    key = log_key(exporter, exporter.settings.origin)
    return lambda note: verify(note, [key])


def refuse_inconsistent(exporter: Exporter, old: Checkpoint, new: Checkpoint) -> None:
    """Hold that one head leads to a later one, by the proof that the server gives."""
    answer = exporter.get(f"/v1/log/consistency?old={old.size}&size={new.size}", Role.AUDITOR)
    proof = [hash_line(line, "proof") for line in answer["proof"]]
    verify_consistency(old.size, old.root, new.size, new.root, proof)


def refuse_gaps(database: Database) -> list[bytes]:
    """Hold that indices are contiguous, and that leaves and stored hashes are those of the exact bytes.

    Returns:
        The leaves in the order of the log.
    """
    with database.read() as session:
        rows = session.execute(
            select(LogEntry.position, LogEntry.body, LogEntry.leaf)
            .where(LogEntry.position.is_not(None))
            .order_by(LogEntry.position)
        ).all()
        places = list(session.scalars(select(LogHash.place).order_by(LogHash.place)))
        leaves = [leaf_hash(row.body) for row in rows]
        assert [row.position for row in rows] == list(range(len(rows)))
        assert leaves == [row.leaf for row in rows]
        assert places == list(range(stored_at(0, len(rows))))
        assert audit_log.root(session, len(rows)) == root_hash(leaves)
    return leaves


def hold(database: Database, origin: str, acknowledged: Sequence[str], shown: Sequence[Checkpoint]) -> list[bytes]:
    """Hold that acknowledged parties are in the log once, without gaps, and that all heads are of this one tree.

    ``shown`` are heads in the order in which they were seen; those that the database holds are looked at besides.

    Returns:
        The leaves in the order of the log.
    """
    leaves = refuse_gaps(database)
    with database.read() as session:
        added = list(session.scalars(select(LogEntry.subject).where(LogEntry.type == "party.added")))
        signed = [Checkpoint.parse(found) for found in session.scalars(select(LogCheckpoint.text))]
    assert len(added) == len(set(added))
    assert set(acknowledged) <= set(added)
    sizes = [head.size for head in shown]
    assert sizes == sorted(sizes)
    for head in {*shown, *signed}:
        assert head.origin == origin
        assert head.size <= len(leaves)
        # Stronger than that each leads to the next: all are of the tree that is there.
        assert root_hash(leaves[: head.size]) == head.root
    return leaves


def fill(database: Database, count: int) -> None:
    """Queue as many entries."""

    def queue(session: Session) -> None:
        for number in range(count):
            audit_log.record(
                session,
                "test.filled",
                time=clock.now(),
                actor="system",
                subject=f"filled_{secrets.token_hex(8)}",
                data={"number": number},
            )

    database.change(queue)


def grow(exporter: Exporter, steps: Sequence[int]) -> None:
    """Queue entries in steps, a checkpoint after each."""
    for step in steps:
        fill(exporter.database, step)
        exporter.settle()


def leaves_shown(entries: Sequence[Any]) -> list[bytes]:
    """Return the leaves of entries as the API shows them."""
    return [from_base64url(entry["leaf"]) for entry in entries]
