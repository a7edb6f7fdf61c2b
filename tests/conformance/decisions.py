"""Verbs for the limits and for the decision as a whole."""

from __future__ import annotations

from typing import Any, Final

from licensing_protocol.canonical import MAX_INTEGER, JsonObject
from licensing_protocol.decision import Contact, Granted, Place, Use, decide
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields
from licensing_protocol.limits import Area, Fix, Footing, Quota, Schedule, Standing, Verdict, Zone
from licensing_protocol.reasons import Reason
from licensing_protocol.status_list import Status
from tests.conformance.verb import Verb, asked, maybe, moment, string

_MOST = 1000
# Of an area, by strength.
_ANSWERS: Final = ("in", "uncertain", "out")


def _decide(question: JsonObject) -> JsonObject:
    """Decide one use (see docs/reference/conformance.md) → ``{decision, code?, degraded?, obligations?, audit?}``."""
    fields = Fields(question, "input")
    entitlement = Entitlement.parse(fields.take("entitlement_claims"))
    time = moment(fields)
    status = fields.nullable("status", lambda name: _status(fields, name))
    capability, use, place = fields.text("capability"), _use(fields), _place(fields)
    used = maybe(fields, "used", fields.integer) or 0
    fields.end()
    contact = Contact(status, time.lower, time.lower)
    decision = decide(entitlement, None, capability, use, contact=contact, time=time, place=place, used=used)
    if not isinstance(decision, Granted):
        return {"decision": "denied", **_because(decision.reason)}
    granted: JsonObject = {"decision": "granted", "obligations": list(decision.obligations), "audit": decision.audit}
    if decision.reason is not None:
        granted |= {"degraded": decision.degraded, **_because(decision.reason)}
    return granted


def _status(fields: Fields, name: str) -> Status:
    """Read a status by its number, or by its name in the Token Status List."""
    value = fields.take(name)
    if isinstance(value, str):
        named = {status.name: status for status in Status}
        if value not in named:
            fields.refuse(name, "field.range", f"must be one of {', '.join(named)}")
        return named[value]
    return Status(Fields({name: value}, "input").integer(name, most=max(Status)))


def _use(fields: Fields) -> Use:
    # As a product may say it, not as a document would: who is named twice counts once, and an empty name not at all.
    names = maybe(fields, "operators", lambda name: fields.list_of(name, most=_MOST)) or []
    return Use(
        parameters=maybe(fields, "parameters", lambda name: dict(fields.members(name, most=_MOST))) or {},
        authority=maybe(fields, "authority", lambda name: string(fields, name)),
        operators=tuple(string(Fields({"operators": name}, "input"), "operators") for name in names),
    )


def _place(fields: Fields) -> Place | None:
    fix = maybe(fields, "fix", lambda name: Fix.parse(fields.take(name)))
    age = maybe(fields, "fix_age", lambda name: fields.number(name, least=0, most=MAX_INTEGER)) or 0.0
    before = maybe(fields, "before", lambda name: _footing(fields.object(name)))
    return None if fix is None else Place(fix, age, before)


def _footing(fields: Fields) -> Footing:
    answer, age = fields.text("answer"), fields.number("age", least=0, most=MAX_INTEGER)
    if answer not in _ANSWERS:
        fields.refuse("answer", "field.range", f"must be one of {', '.join(_ANSWERS)}")
    fields.end()
    return Footing(Standing(_ANSWERS.index(answer)), age)


def _schedule(question: JsonObject) -> JsonObject:
    """Hold a time against a schedule: ``{schedule, now}`` → ``{answer, retry_at?}``; open, unknown or closed."""
    schedule, time = asked(question, lambda fields: (Schedule.parse(fields.take("schedule")), moment(fields)))
    verdict = schedule.compile().evaluate(time)
    return {"answer": ("open", "unknown", "closed")[verdict.standing], **_retry_at(verdict)}


def _area(question: JsonObject) -> JsonObject:
    """Hold a position against an area: ``{zones, area, fix}`` → ``{answer}``; in, out or uncertain."""
    members, area, fix = asked(
        question,
        lambda fields: (
            dict(fields.members("zones", most=_MOST)),
            Area.parse(fields.take("area")),
            Fix.parse(fields.take("fix")),
        ),
    )
    zones = {zone_id: Zone.parse(zone) for zone_id, zone in members.items()}
    if not area.zone_ids <= set(zones):
        raise MalformedDocument("The area names a zone that is not there.", code="entitlement.zone")
    return {"answer": str(area.compile(zones).where(fix))}


def _quota(question: JsonObject) -> JsonObject:
    """Hold a count against a quota: ``{quota, lower, used}`` → ``{window, ends, answer}``; left or exhausted."""
    quota, lower, used = asked(
        question,
        lambda fields: (Quota.parse(fields.take("quota")), fields.integer("lower"), fields.integer("used")),
    )
    window, verdict = quota.window(lower), quota.evaluate(used, lower)
    return {"window": window.index, "ends": window.ends, "answer": "exhausted" if verdict.reason else "left"}


def _because(reason: Reason) -> JsonObject:
    because: JsonObject = {"code": reason.code}
    optional: tuple[tuple[str, Any], ...] = (("retry_at", reason.retry_at), ("zone", reason.zone))
    return because | {name: value for name, value in optional if value is not None}


def _retry_at(verdict: Verdict) -> JsonObject:
    if verdict.reason is None or verdict.reason.retry_at is None:
        return {}
    return {"retry_at": verdict.reason.retry_at}


VERBS: Final[dict[str, Verb]] = {"decide": _decide, "schedule": _schedule, "area": _area, "quota": _quota}
