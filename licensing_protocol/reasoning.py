"""Explains a decision: looks at everything that the decision rests on, in its order, and says what each of it says.

Pure, like the decision, and made of the same verdicts, so that a server can explain what a device would decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from licensing_protocol.canonical import JsonObject
from licensing_protocol.decision import CompiledGrant, Contact, Denied, Granted, Place, Use, document_findings
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.explanation import Explanation, Step, writable
from licensing_protocol.limits import Area, Operators, Quota, Surrounding
from licensing_protocol.limits.operators import names
from licensing_protocol.limits.verdict import Verdict, fails, holds, together
from licensing_protocol.manifest import Manifest
from licensing_protocol.reasons import Reason
from licensing_protocol.time_bounds import TimeBounds

# Of an area with a thousand zones only those whose borders are near say something.
_NEAREST: Final = 5


def explain(
    entitlement: Entitlement | None,
    manifest: Manifest | None,
    capability: str,
    use: Use,
    *,
    contact: Contact,
    time: TimeBounds,
    place: Place | None = None,
    used: int = 0,
    compiled: CompiledGrant | None = None,
    device: Verdict | None = None,
) -> Explanation:
    """Explain what :func:`~licensing_protocol.decision.decide` says of the same arguments.

    What decides nothing any more, because something before it fails, is looked at all the same. ``compiled`` is the
    capability's grant where it is ready already; ``device`` is what an agent says of itself.
    """
    if manifest is not None and capability in manifest.safety:
        return Explanation(Granted(capability), (Step("safety", holds(), {"never_gated": True}),))
    steps = [] if manifest is None else [Step("safety", holds(), {"never_gated": False})]
    steps += [] if device is None else [Step("device", device)]
    for name, reason in document_findings(entitlement, manifest, capability):
        steps.append(Step(name, holds() if reason is None else fails(reason)))
    if entitlement is None or capability not in entitlement.grants:
        reason = together(step.verdict for step in steps).reason or Reason("capability.stripped")
        return Explanation(Denied(capability, reason), tuple(steps))
    grant = compiled or CompiledGrant(entitlement, capability)
    steps += _steps_of(grant, _Known(grant, entitlement, use, contact, time, place, used))
    decision = grant.settle(together(step.verdict for step in steps))
    return Explanation(decision, tuple(steps), grant.grant.degrade)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the verdicts on one use of one grant rest on."""

    grant: CompiledGrant
    entitlement: Entitlement
    use: Use
    contact: Contact
    time: TimeBounds
    place: Place | None
    used: int


def _steps_of(grant: CompiledGrant, known: _Known) -> list[Step]:
    parts = grant.standing_parts(known.contact, known.time, known.place)
    parts |= grant.use_parts(known.use, known.used, known.time.lower)
    steps = [Step("limits", grant.supported)]
    for name, verdict in parts.items():
        reason = None if verdict.reason is None else grant.while_it_lasts(verdict.reason)
        until = _outdated_at(known) if name == "area" else verdict.changes_at
        steps.append(Step(name, Verdict(verdict.standing, reason, until), _FACTS[name](known, _limit(known, name))))
    return steps


def _limit(known: _Known, name: str) -> Any:
    return getattr(known.grant.grant.limits, name, None)


def _outdated_at(known: _Known) -> int | None:
    """Return the instant at which the position will be too old, if there is one that is not."""
    area, place = known.grant.grant.limits.area, known.place
    footing = None if place is None else known.grant.footing(place)
    if area is None or place is None or footing is None:
        return None
    # A stricter answer before this one is held on to until it is too old itself.
    return known.time.latest + int(area.max_age - max(place.age, footing.age))


def _status(known: _Known, _: Any) -> JsonObject:
    status = known.contact.status
    return {"entry": None if status is None else status.name}


def _validity(known: _Known, _: Any) -> JsonObject:
    held, time = known.entitlement, known.time
    now: JsonObject = {"now_at": time.latest, "proven_at": time.lower, "time_known": time.known}
    return {"begins_at": held.not_before, "ends_at": held.expires} | now


def _freshness(known: _Known, _: Any) -> JsonObject:
    freshness, contact, now = known.grant.grant.freshness, known.contact, known.time.latest
    ages = [max(0, now - at) if at else None for at in (contact.list_issued_at, contact.receipt_issued_at)]
    lists: JsonObject = {"list_age_s": ages[0], "max_offline_s": freshness.max_offline}
    return lists | {"report_age_s": ages[1], "max_silent_s": freshness.max_silent, "each_start": freshness.per_boot}


def _area(known: _Known, area: Area) -> JsonObject:
    facts: JsonObject = {"max_age_s": area.max_age, "max_uncertainty_m": area.max_uncertainty_m}
    place = known.place
    if place is None or not place.fix.in_range or not isfinite(place.age):
        return facts
    facts |= {"age_s": round(place.age, 1), "uncertainty_m": round(place.fix.uncertainty_m, 1)}
    facts["last_answer"] = None if place.before is None else place.before.standing.name.lower()
    return facts | {"zones": [_zone(seen) for seen in known.grant.surroundings(place.fix)[:_NEAREST]]}


def _zone(seen: Surrounding) -> JsonObject:
    # The whole Earth as a zone has no border.
    distance = round(seen.distance_m, 1) if isfinite(seen.distance_m) else None
    side: JsonObject = {"zone": seen.zone, "rule": "allow" if seen.allowed else "deny", "position": str(seen.where)}
    return side | {"border_m": distance, "unsure_within_m": round(seen.margin_m, 1)}


def _operators(known: _Known, operators: Operators) -> JsonObject:
    return {"asked_for": operators.distinct, "named": len(names(known.use.operators))}


def _quota(known: _Known, quota: Quota) -> JsonObject:
    left: JsonObject = {"used": known.used, "left": max(0, quota.uses - known.used), "of": quota.uses}
    return left | {"window_ends_at": writable(quota.window(known.time.lower).ends)}


_FACTS: Final[Mapping[str, Callable[[_Known, Any], JsonObject]]] = {
    "status": _status,
    "validity": _validity,
    "freshness": _freshness,
    "period": lambda _, period: {"begins_at": period.nbf, "ends_at": period.exp},
    "schedule": lambda _, schedule: {"time_zone": schedule.tz},
    "area": _area,
    "authority": lambda known, limit: {"required": limit.required, "cited": bool(known.use.authority)},
    "operators": _operators,
    "parameters": lambda known, _: {"given": len(known.use.parameters)},
    "quota": _quota,
}
