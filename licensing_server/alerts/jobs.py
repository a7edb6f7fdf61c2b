"""Reads the log in its one order and opens cases."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol import canonical
from licensing_protocol.journal import EventType
from licensing_server.alerts import rules
from licensing_server.alerts.cases import raise_case
from licensing_server.alerts.rules import DAY_S, Finding, Seen
from licensing_server.alerts.tables import LogCursor
from licensing_server.audit_log.tables import LogEntry
from licensing_server.evidence.accept import FORK
from licensing_server.evidence.tables import StoredEvent
from licensing_server.jobs import Job

_READER = "alerts"
_BATCH = 200
# A device that denies or reports without end is a case long before this many.
_MOST_EVENTS = 2000
_WATCHED = {
    FORK: Finding("continuity.fork", "Two different reports continue one: the device was copied or set back."),
    "enrolment.refused": Finding("enrolment.token_reused", "A used enrolment token came with another device's key."),
    "entitlement.withheld": Finding(
        "entitlement.withheld", "What was approved cannot be issued for the release that the device runs."
    ),
    "server.restored": Finding("server.restored", "A device knows a receipt that this server has lost."),
}


def job(repeated_denials: int) -> Job:
    """Return the job that opens cases; ``repeated_denials`` in an hour are one."""

    def step(session: Session, now: int) -> int | None:
        cursor = session.get(LogCursor, _READER)
        if cursor is None:
            cursor = LogCursor(reader=_READER, next_index=0)
            session.add(cursor)
        rows = select(LogEntry).where(LogEntry.position >= cursor.next_index)
        entries = list(session.scalars(rows.order_by(LogEntry.position).limit(_BATCH)))
        for entry in entries:
            _read(session, entry, repeated_denials, now)
        if entries:
            cursor.next_index += len(entries)
        return now if len(entries) == _BATCH else None

    return Job("alerts", step)


def _read(session: Session, entry: LogEntry, threshold: int, now: int) -> None:
    if entry.type in _WATCHED:
        findings = [_WATCHED[entry.type]]
    elif entry.type == "evidence.accepted":
        findings = _findings(session, entry, threshold)
    else:
        return
    for finding in findings:
        raise_case(session, entry.subject, finding, entry.position or 0, now)


def _findings(session: Session, entry: LogEntry, threshold: int) -> list[Finding]:
    data = canonical.decode_object(entry.body)["data"]
    rows = select(StoredEvent).where(StoredEvent.evidence == data["evidence"]).order_by(StoredEvent.sequence)
    events = [Seen(event.type, event.lower, event.data) for event in session.scalars(rows)]
    denials = _last_day(session, entry.subject, events, EventType.CAPABILITY_DENIED)
    # Most reports are settled by themselves: somebody in them was known before.
    suspect = bool(rules.strangers(events))
    uses = _last_day(session, entry.subject, events, EventType.CAPABILITY_USED) if suspect else []
    return [
        *rules.changes(events),
        *rules.unreported_changes(data, events),
        *rules.repeated_denials(denials, threshold),
        *rules.displaced(denials, threshold),
        *rules.strangers(uses),
        *rules.replays(events),
        *rules.forgeries(events),
        *rules.clocks_and_positions(events),
        *rules.anomalies(data),
    ]


def _last_day(session: Session, device: str, events: list[Seen], type: EventType) -> list[Seen]:
    """Return the events of a type of one day, where this evidence brought one: they may come in several reports."""
    new = [event.lower for event in events if event.type == type]
    if not new:
        return []
    rows = select(StoredEvent).where(
        StoredEvent.device == device,
        StoredEvent.type == type,
        StoredEvent.lower > max(new) - DAY_S,
        StoredEvent.lower <= max(new),
    )
    newest = session.scalars(rows.order_by(StoredEvent.id.desc()).limit(_MOST_EVENTS))
    return [Seen(event.type, event.lower, event.data) for event in newest]
