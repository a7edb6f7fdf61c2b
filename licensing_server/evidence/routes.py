"""Reading what devices reported."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select

from licensing_server.evidence.schemas import EventReply, EvidenceReply, ForkReply
from licensing_server.evidence.tables import ForkProof, StoredEvent, StoredEvidence
from licensing_server.web import Access, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1/devices/{device}", tags=["evidence"])
Reader = Annotated[Access, requires(Role.COMPLIANCE, Role.APPROVER, Role.AUDITOR)]


@router.get("/evidence")
def list_evidence(access: Reader, device: Identifier, cursor: Cursor) -> Page[EvidenceReply]:
    """List a device's evidence."""
    with access.read() as act:
        rows = select(StoredEvidence).where(StoredEvidence.device == device)
        found, following = page_of(act.session, rows, (StoredEvidence.received_at, StoredEvidence.identity), cursor)
        return Page(items=[EvidenceReply.model_validate(row) for row in found], next=following)


@router.get("/events")
def list_events(
    access: Reader, device: Identifier, cursor: Cursor, type: Annotated[str | None, Query(max_length=64)] = None
) -> Page[EventReply]:
    """List the events of a device's journal, in their order."""
    rows = select(StoredEvent).where(StoredEvent.device == device)
    rows = rows if type is None else rows.where(StoredEvent.type == type)
    with access.read() as act:
        found, following = page_of(act.session, rows, (StoredEvent.id,), cursor)
        return Page(items=[EventReply.model_validate(row) for row in found], next=following)


@router.get("/forks")
def list_forks(access: Reader, device: Identifier, cursor: Cursor) -> Page[ForkReply]:
    """List the proofs that there is a second copy of this device."""
    with access.read() as act:
        rows = select(ForkProof).where(ForkProof.device == device)
        found, following = page_of(act.session, rows, (ForkProof.received_at, ForkProof.identity), cursor)
        return Page(items=[ForkReply.model_validate(row) for row in found], next=following)
