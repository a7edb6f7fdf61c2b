"""Reads the log in its one order and opens cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from licensing_protocol import canonical
from licensing_protocol.journal import EventType
from licensing_server.alerts import rules
from licensing_server.alerts.cases import raise_case
from licensing_server.alerts.rules import DAY_S, Finding, Seen
from licensing_server.alerts.tables import LogCursor
from licensing_server.audit_log.tables import LogEntry
from licensing_server.database import table_of
from licensing_server.evidence.accept import FORK
from licensing_server.evidence.tables import StoredEvent
from licensing_server.jobs import Job

_READER = "alerts"
_REPORTED = "evidence.accepted"
_BATCH = 200
_PACE_S = 1
# A device that denies or reports without end is a case long before this many.
_MOST_EVENTS = 2000
_WATCHED = {
    FORK: Finding("continuity.fork", "Two different reports continue one: the device was copied or set back."),
    "enrolment.refused": Finding("enrolment.token_reused", "A used enrolment token came with another device's key."),
    "entitlement.withheld": Finding(
        "entitlement.withheld", "What was approved cannot be issued for the release that the device runs."
    ),
    "four_eyes.refused": Finding(
        "four_eyes.refused",
        "Somebody who cannot be the second person of an act tried to be: does one person act as two?",
    ),
    "server.restored": Finding("server.restored", "A device knows a receipt that this server has lost."),
}
_CURSOR, _ENTRY, _EVENT = table_of(LogCursor), table_of(LogEntry), table_of(StoredEvent)
# Written once, because to compose a statement costs more than to run it.
_UNREAD = (
    select(_ENTRY.c.id)
    .where(
        _ENTRY.c.position
        >= func.coalesce(select(_CURSOR.c.next_index).where(_CURSOR.c.reader == _READER).scalar_subquery(), 0)
    )
    .limit(1)
)
_ENTRIES = (
    select(_ENTRY.c.type, _ENTRY.c.subject, _ENTRY.c.position, _ENTRY.c.body)
    .where(_ENTRY.c.position >= bindparam("from_position"))
    .order_by(_ENTRY.c.position)
    .limit(_BATCH)
)
# Of all reports in a batch together. No rule looks at a vendor's own events.
_EVENTS = (
    select(_EVENT.c.evidence, _EVENT.c.type, _EVENT.c.lower, _EVENT.c.data)
    .where(_EVENT.c.evidence.in_(bindparam("of_reports", expanding=True)), _EVENT.c.type.in_(list(EventType)))
    .order_by(_EVENT.c.evidence, _EVENT.c.sequence)
)


def job(repeated_denials: int) -> Job:
    """Return the job that opens cases; ``repeated_denials`` in an hour are one."""

    def step(session: Session, now: int) -> int | None:
        cursor = session.get(LogCursor, _READER)
        if cursor is None:
            cursor = LogCursor(reader=_READER, next_index=0)
            session.add(cursor)
        entries = session.connection().execute(_ENTRIES, {"from_position": cursor.next_index}).all()
        reports = {
            entry.position: canonical.decode_object(entry.body)["data"] for entry in entries if entry.type == _REPORTED
        }
        events = _events_of(session, [report["evidence"] for report in reports.values()])
        for entry in entries:
            report = reports.get(entry.position)
            findings = [_WATCHED[entry.type]] if entry.type in _WATCHED else []
            if report is not None:
                findings = _findings(session, entry.subject, report, events[report["evidence"]], repeated_denials)
            for finding in findings:
                raise_case(session, entry.subject, finding, entry.position, now)
        if entries:
            cursor.next_index += len(entries)
        return now if len(entries) == _BATCH else None

    return Job("alerts", step, _look, _PACE_S)


def _look(session: Session, now: int) -> int | None:
    return None if session.connection().execute(_UNREAD).first() is None else now


def _events_of(session: Session, reports: Sequence[str]) -> Mapping[str, list[Seen]]:
    found = defaultdict[str, list[Seen]](list)
    rows = session.connection().execute(_EVENTS, {"of_reports": reports}) if reports else ()
    for row in rows:
        found[row.evidence].append(Seen(row.type, row.lower, row.data))
    return found


def _findings(
    session: Session, device: str, data: Mapping[str, Any], events: list[Seen], threshold: int
) -> list[Finding]:
    denials = _last_day(session, device, events, EventType.CAPABILITY_DENIED)
    # Most reports are settled by themselves: somebody in them was known before.
    suspect = bool(rules.strangers(events))
    uses = _last_day(session, device, events, EventType.CAPABILITY_USED) if suspect else []
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
