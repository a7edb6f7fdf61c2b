"""Reading the log as staff do: entries, proofs and heads; and erasing a value beside it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy import select

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey, SignatureType
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_protocol.trust import Delegation
from licensing_server.audit_log.checkpoints import checkpoint, note_of, shown
from licensing_server.audit_log.origins import origin
from licensing_server.audit_log.schemas import CheckpointReply, EntryReply, ErasureBody, GrowthReply
from licensing_server.audit_log.search import Wanted, entry_at, matching
from licensing_server.audit_log.tables import LogCheckpoint, LogEntry
from licensing_server.audit_log.tree import prove, prove_growth
from licensing_server.audit_log.values import erase, values_of
from licensing_server.problem import NotFound
from licensing_server.signing import Custody, custody
from licensing_server.web import Access, Act, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1/log", tags=["log"])
Reader = Annotated[Access, requires(Role.AUDITOR, Role.COMPLIANCE, Role.ADMINISTRATOR)]
Eraser = Annotated[Access, requires(Role.COMPLIANCE, Role.ADMINISTRATOR)]
Index = Annotated[int, Path(ge=0, le=2**53 - 1)]
Instant = Annotated[int | None, Query(ge=0, le=2**53 - 1, description="seconds since the epoch, itself included")]
Size = Annotated[int | None, Query(ge=0, le=2**53 - 1, description="entries of a checkpoint; the newest if absent")]
TEXT = "text/plain; charset=utf-8"

_POSITION: Any = LogEntry.position
_SIZE: Any = LogCheckpoint.size


def wanted(
    type: Annotated[str | None, Query(max_length=64, description="exact, or a prefix ending in a dot")] = None,
    subject: Identifier | None = None,
    actor: Identifier | None = None,
    since: Instant = None,
    until: Instant = None,
    text: Annotated[str | None, Query(min_length=2, max_length=200, description="in the body or in a value")] = None,
) -> Wanted:
    """Return what the query asks for."""
    return Wanted(type, subject, actor, since, until, text)


@router.get("/entries")
def list_entries(access: Reader, cursor: Cursor, wanted: Annotated[Wanted, Depends(wanted)]) -> Page[EntryReply]:
    """List entries in the order of the log."""
    with access.read() as act:
        rows = matching(act.session, wanted, act.roles)
        found, following = page_of(act.session, rows, (_POSITION,), cursor)
        values = values_of(act.session, found)
        return Page(items=[EntryReply.of(entry, values[entry.id], act.roles) for entry in found], next=following)


@router.get("/entries/{index}")
def read_entry(access: Reader, index: Index) -> EntryReply:
    """Read one entry by its index."""
    with access.read() as act:
        entry = entry_at(act.session, index)
        return EntryReply.of(entry, values_of(act.session, [entry])[entry.id], act.roles)


@router.get("/entries/{index}/proof", response_class=Response)
def read_proof(access: Reader, index: Index, size: Size = None) -> Response:
    """Read the proof that an entry is in the log, with the checkpoint it leads to (c2sp.org/tlog-proof)."""
    with access.read() as act:
        entry_at(act.session, index)
        note = shown(act.session, act.now) if size is None else checkpoint(act.session, size)
        head = None if note is None else Checkpoint.parse(note.text)
        if note is None or head is None or head.size <= index:
            raise NotFound("proof.none", "No such checkpoint covers this entry yet; ask again in a second.")
        return Response(TlogProof(index, tuple(prove(act.session, index, head.size)), note).to_bytes(), media_type=TEXT)


@router.post("/entries/{index}/values/{field}/erasure", status_code=204, response_class=Response)
def erase_value(access: Eraser, index: Index, field: Identifier, body: ErasureBody) -> Response:
    """Erase a value beside the log, and its salt, for ever; every proof still verifies."""

    def do(act: Act) -> None:
        erase(act, entry_at(act.session, index), field, body.reason)

    return access.change(do)


@router.get("/consistency")
def read_growth(access: Reader, old: Annotated[int, Query(ge=0, le=2**53 - 1)] = 0, size: Size = None) -> GrowthReply:
    """Read the proof that the log of one size begins with the log of another."""
    with access.read() as act:
        if size is None:
            size = _size_of(shown(act.session, act.now))
        newest = _size_of(checkpoint(act.session))
        if size > newest:
            raise NotFound("log.too_small", f"The newest checkpoint has {newest} entries; take a smaller size.")
        return GrowthReply(
            old=old, size=size, proof=[to_base64(found) for found in prove_growth(act.session, old, size)]
        )


@router.get("/checkpoints")
def list_checkpoints(access: Reader, cursor: Cursor) -> Page[CheckpointReply]:
    """List every head that was ever signed and is known here, those of before a restore included."""
    with access.read() as act:
        found, following = page_of(act.session, select(LogCheckpoint), (_SIZE,), cursor)
        return Page(items=[CheckpointReply.of(row, note_of(act.session, row)) for row in found], next=following)


@router.get("/key", response_class=Response)
def read_key(access: Reader, request: Request) -> Response:
    """Read the key with which checkpoints are signed now, as a verifier key of signed notes."""
    held: Custody = custody(request)
    with access.read() as act:
        name = origin(act.session)
    key = NoteKey.of(name, SignatureType.ED25519, held.signer(Delegation.LOG).key)
    return Response(f"{key}\n", media_type=TEXT)


def _size_of(note: Note | None) -> int:
    return 0 if note is None else Checkpoint.parse(note.text).size
