"""Opening, acknowledging and closing cases."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from licensing_server import audit_log
from licensing_server.alerts.rules import Finding
from licensing_server.alerts.tables import Case
from licensing_server.database import changed_one, new_id
from licensing_server.problem import Conflict, not_found
from licensing_server.web import Act

OPEN, ACKNOWLEDGED, CLOSED = "open", "acknowledged", "closed"
_SYSTEM = "system"
_MOST_LINES = 50


def raise_case(session: Session, subject: str, finding: Finding, log_index: int, now: int) -> Case:
    """Open a case, or count one more where a case of this kind about this subject is not closed yet.

    What is new of it is added to the text, so that a second component or capability is not hidden by the first.
    """
    same = select(Case).where(Case.subject == subject, Case.kind == finding.kind, Case.state != CLOSED)
    case = session.scalar(same)
    if case is not None:
        case.count += 1
        case.last_at = now
        lines = case.text.splitlines()
        if finding.text not in lines and len(lines) < _MOST_LINES:
            case.text = f"{case.text}\n{finding.text}"
        return case
    case = Case(
        id=new_id("case"),
        kind=finding.kind,
        subject=subject,
        text=finding.text,
        state=OPEN,
        count=1,
        opened_at=now,
        last_at=now,
        log_index=log_index,
        acknowledged_by=None,
        closed_by=None,
        note=None,
        version=1,
    )
    session.add(case)
    data = {"kind": finding.kind, "about": subject, "index": log_index}
    audit_log.record(session, "case.opened", time=now, actor=_SYSTEM, subject=case.id, data=data)
    session.flush()
    return case


def acknowledge(act: Act, case_id: str) -> Case:
    """Say that somebody looks into it.

    Raises:
        NotFound; Conflict ``case.state``.
    """
    return _move(act, case_id, (OPEN,), ACKNOWLEDGED, {"acknowledged_by": act.actor})


def close(act: Act, case_id: str, note: str) -> Case:
    """End a case with a note on what was found.

    Raises:
        NotFound; Conflict ``case.state``.
    """
    return _move(act, case_id, (OPEN, ACKNOWLEDGED), CLOSED, {"closed_by": act.actor, "note": note})


def case_of(session: Session, case_id: str) -> Case:
    """Return a case.

    Raises:
        NotFound: ``case.unknown``.
    """
    case = session.get(Case, case_id)
    if case is None:
        raise not_found("case", case_id)
    return case


def _move(act: Act, case_id: str, before: tuple[str, ...], after: str, values: dict[str, str]) -> Case:
    expected = (Case.id == case_id, Case.state.in_(before))
    moved = update(Case).where(*expected).values(state=after, version=Case.version + 1, **values)
    if not changed_one(act.session.execute(moved.execution_options(synchronize_session=False))):
        state = case_of(act.session, case_id).state
        raise Conflict("case.state", f"This case is {state} already.")
    sensitive = {"note": values["note"]} if "note" in values else None
    audit_log.record(act.session, f"case.{after}", time=act.now, actor=act.actor, subject=case_id, sensitive=sensitive)
    return act.session.get_one(Case, case_id, populate_existing=True)
