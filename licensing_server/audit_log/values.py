"""Values that entries only commit to: who may see them, and how one is erased for ever without breaking any proof."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from licensing_server.audit_log.record import record
from licensing_server.audit_log.tables import CommittedValue, LogEntry
from licensing_server.database import changed_one
from licensing_server.problem import Conflict, Forbidden, not_found
from licensing_server.web import Act, Role

OF_PEOPLE = "person."
"""What begins the type of an entry about one of the exporter's own people, whose names administrators keep."""


def may_see(roles: Collection[Role], type: str) -> bool:
    """Tell whether these roles see the values of entries of this type: auditors all, the others those of their work."""
    return Role.AUDITOR in roles or may_erase(roles, type)


def may_erase(roles: Collection[Role], type: str) -> bool:
    """Tell whether these roles may erase values of entries of this type."""
    return (Role.ADMINISTRATOR if type.startswith(OF_PEOPLE) else Role.COMPLIANCE) in roles


def values_of(session: Session, entries: Sequence[LogEntry]) -> Mapping[int, Sequence[CommittedValue]]:
    """Return the committed values of entries, by the entries' ids."""
    found: dict[int, list[CommittedValue]] = {entry.id: [] for entry in entries}
    rows = select(CommittedValue).where(CommittedValue.entry.in_(list(found))).order_by(CommittedValue.field)
    for value in session.scalars(rows):
        found[value.entry].append(value)
    return found


def erase(act: Act, entry: LogEntry, field: str, reason: str) -> None:
    """Erase a value and its salt: the commitment in the entry stays, and nobody can ever tell again what it was of.

    Raises:
        Forbidden: ``role.missing``; NotFound: ``value.unknown``; Conflict: ``value.erased``.
    """
    if not may_erase(act.roles, entry.type):
        wanted = Role.ADMINISTRATOR if entry.type.startswith(OF_PEOPLE) else Role.COMPLIANCE
        raise Forbidden("role.missing", f"To erase this value takes the role {wanted}; ask an administrator.")
    this = (CommittedValue.entry == entry.id, CommittedValue.field == field)
    gone = update(CommittedValue).where(*this, CommittedValue.salt.is_not(None)).values(salt=None, value=None)
    if not changed_one(act.session.execute(gone)):
        if act.session.scalar(select(CommittedValue.field).where(*this)) is None:
            raise not_found("value", field)
        raise Conflict("value.erased", "This value was erased before; nothing is left of it.")
    data = {"index": entry.position, "field": field}
    record(
        act.session,
        "value.erased",
        time=act.now,
        actor=act.actor,
        subject=f"entry:{entry.position}",
        data=data,
        sensitive={"reason": reason},
    )
