"""Reading the log."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from sqlalchemy import select

from licensing_server.audit_log.schemas import EntryReply
from licensing_server.audit_log.tables import LogEntry
from licensing_server.problem import not_found
from licensing_server.web import Access, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1/log", tags=["log"])
Reader = Annotated[Access, requires(Role.AUDITOR, Role.COMPLIANCE, Role.ADMINISTRATOR)]

_POSITION: Any = LogEntry.position


@router.get("/entries")
def list_entries(
    access: Reader,
    cursor: Cursor,
    type: Annotated[str | None, Query(max_length=64, description="exact, or a prefix ending in a dot")] = None,
    subject: Identifier | None = None,
    actor: Identifier | None = None,
    since: Annotated[int | None, Query(ge=0, le=2**53 - 1, description="seconds since the epoch")] = None,
) -> Page[EntryReply]:
    """List entries in the order of the log."""
    rows = select(LogEntry).where(LogEntry.position.is_not(None))
    if type is not None:
        rows = rows.where(
            LogEntry.type.startswith(type, autoescape=True) if type.endswith(".") else LogEntry.type == type
        )
    for column, value in ((LogEntry.subject, subject), (LogEntry.actor, actor)):
        rows = rows if value is None else rows.where(column == value)
    if since is not None:
        rows = rows.where(LogEntry.time >= since)
    with access.read() as act:
        found, following = page_of(act.session, rows, (_POSITION,), cursor)
        return Page(items=[EntryReply.of(entry) for entry in found], next=following)


@router.get("/entries/{index}")
def read_entry(access: Reader, index: Annotated[int, Path(ge=0, le=2**53 - 1)]) -> EntryReply:
    """Read one entry by its index."""
    with access.read() as act:
        entry = act.session.scalar(select(LogEntry).where(LogEntry.position == index))
        if entry is None:
            raise not_found("entry", str(index))
        return EntryReply.of(entry)
