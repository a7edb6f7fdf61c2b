"""Working through cases."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from sqlalchemy import select

from licensing_server.alerts import cases
from licensing_server.alerts.schemas import CaseReply, Closing
from licensing_server.alerts.tables import Case
from licensing_server.web import Access, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])
Reader = Annotated[Access, requires(Role.COMPLIANCE, Role.APPROVER, Role.AUDITOR)]
Writer = Annotated[Access, requires(Role.COMPLIANCE)]


@router.get("")
def list_cases(
    access: Reader,
    cursor: Cursor,
    state: Literal["open", "acknowledged", "closed"] | None = None,
    kind: Annotated[str | None, Query(max_length=64)] = None,
    subject: Identifier | None = None,
) -> Page[CaseReply]:
    """List cases."""
    rows = select(Case)
    for column, value in ((Case.state, state), (Case.kind, kind), (Case.subject, subject)):
        rows = rows if value is None else rows.where(column == value)
    with access.read() as act:
        found, following = page_of(act.session, rows, (Case.opened_at, Case.id), cursor)
        return Page(items=[CaseReply.model_validate(case) for case in found], next=following)


@router.get("/{case}")
def read_case(access: Reader, case: Identifier) -> CaseReply:
    """Read a case."""
    with access.read() as act:
        return CaseReply.model_validate(cases.case_of(act.session, case))


@router.post("/{case}/acknowledgement", response_model=CaseReply)
def acknowledge(access: Writer, case: Identifier) -> Response:
    """Say that somebody looks into it."""
    return access.change(lambda act: CaseReply.model_validate(cases.acknowledge(act, case)))


@router.post("/{case}/closing", response_model=CaseReply)
def close(access: Writer, case: Identifier, body: Closing) -> Response:
    """End a case with a note on what was found."""
    return access.change(lambda act: CaseReply.model_validate(cases.close(act, case, body.note)))
