"""Exports of the log: begun by an act, and read page by page by whoever began them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response

from licensing_server.audit_log.exports import begin_export, export_of, exported
from licensing_server.audit_log.schemas import EntryReply, ExportBody, ExportReply
from licensing_server.audit_log.tables import LogEntry
from licensing_server.audit_log.values import values_of
from licensing_server.web import Access, Act, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1/log/exports", tags=["log"])
Reader = Annotated[Access, requires(Role.AUDITOR, Role.COMPLIANCE, Role.ADMINISTRATOR)]

_POSITION: Any = LogEntry.position


@router.post("", status_code=201, response_model=ExportReply)
def begin(access: Reader, body: ExportBody) -> Response:
    """Begin an export: who takes which entries out is in the log before the first of them is read."""

    def do(act: Act) -> ExportReply:
        return ExportReply.model_validate(begin_export(act, body.form, body.wanted, body.begin, body.end))

    return access.change(do, status=201)


@router.get("/{export}/entries")
def list_exported(access: Reader, export: Identifier, cursor: Cursor) -> Page[EntryReply]:
    """List the entries of an export that you began, in the order of the log, with the values that your role sees."""
    with access.read() as act:
        rows = exported(act, export_of(act, export))
        found, following = page_of(act.session, rows, (_POSITION,), cursor)
        values = values_of(act.session, found)
        return Page(items=[EntryReply.of(entry, values[entry.id], act.roles) for entry in found], next=following)
