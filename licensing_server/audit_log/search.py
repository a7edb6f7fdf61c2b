"""Finding entries: by who, about what, of which type, when, and by what stands in them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, String, and_, cast, exists, false, func, or_, select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import encode
from licensing_server.audit_log.tables import CommittedValue, LogEntry
from licensing_server.audit_log.values import OF_PEOPLE
from licensing_server.problem import not_found
from licensing_server.web import Role


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; what is ``None`` does not matter.

    ``type`` is exact, or a prefix that ends in a dot; ``since`` and ``until`` are instants, both included; ``text``
    stands somewhere in the body or in a value that is not erased, in letters of either case. Of an ``order`` is what is
    about it, or names it in its data.
    """

    type: str | None = None
    subject: str | None = None
    actor: str | None = None
    since: int | None = None
    until: int | None = None
    text: str | None = None
    order: str | None = None


def matching(session: Session, wanted: Wanted, roles: Collection[Role]) -> Select[LogEntry]:
    """Return the selection of entries with an index that are as ``wanted``, as far as these roles may look."""
    rows = select(LogEntry).where(LogEntry.position.is_not(None))
    if wanted.type is not None:
        of_family = LogEntry.type.startswith(wanted.type, autoescape=True)
        rows = rows.where(of_family if wanted.type.endswith(".") else LogEntry.type == wanted.type)
    if wanted.subject is not None:
        rows = rows.where(LogEntry.subject == wanted.subject)
    if wanted.actor is not None:
        rows = rows.where(LogEntry.actor == wanted.actor)
    if wanted.since is not None:
        rows = rows.where(LogEntry.time >= wanted.since)
    if wanted.until is not None:
        rows = rows.where(LogEntry.time <= wanted.until)
    if wanted.text is not None:
        rows = rows.where(_holds(session, wanted.text, roles))
    if wanted.order is not None:
        rows = rows.where(_of_order(session, wanted.order))
    return rows


def entry_at(session: Session, index: int) -> LogEntry:
    """Return the entry with this index; NotFound ``entry.unknown``."""
    entry = session.scalar(select(LogEntry).where(LogEntry.position == index))
    if entry is None:
        raise not_found("entry", str(index))
    return entry


def _holds(session: Session, text: str, roles: Collection[Role]) -> ColumnElement[bool]:
    # As it is written in JSON, where a quotation mark and others have another form.
    needle = encode(text).decode()[1:-1].lower()
    value = and_(
        CommittedValue.entry == LogEntry.id,
        func.lower(CommittedValue.value).contains(needle, autoescape=True),
        _visible(roles),
    )
    return or_(func.lower(_body(session)).contains(needle, autoescape=True), exists().where(value))


def _of_order(session: Session, order: str) -> ColumnElement[bool]:
    itself = and_(LogEntry.subject == order, LogEntry.type.startswith("order."))
    # As the canonical form writes it.
    return or_(itself, _body(session).contains(encode({"order": order}).decode()[1:-1], autoescape=True))


def _body(session: Session) -> ColumnElement[str]:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return cast(LogEntry.body, String) if is_sqlite else func.convert_from(LogEntry.body, "UTF8")


def _visible(roles: Collection[Role]) -> ColumnElement[bool]:
    """As :func:`licensing_server.audit_log.values.may_see`, for the database."""
    of_people = LogEntry.type.startswith(OF_PEOPLE, autoescape=True)
    if Role.AUDITOR in roles:
        return CommittedValue.salt.is_not(None)
    seen = [of_people] if Role.ADMINISTRATOR in roles else []
    return or_(*seen, ~of_people if Role.COMPLIANCE in roles else false())
