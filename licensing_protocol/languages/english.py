"""English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from licensing_protocol import reasons

SENTENCES: Final = reasons.SENTENCES

PHRASES: Final[Mapping[str, str]] = {
    "retry_at": "The earliest that asking again makes sense: {instant}.",
    "possible_at": "The earliest at which all that stands against it may have gone: {instant}.",
    "zone.area.outside": "The nearest zone where it is allowed: {zone}.",
    "zone.area.denied_zone": "The zone that forbids it: {zone}.",
    "zone.area.uncertain": "The zone whose border is too close: {zone}.",
    "decision.granted": "granted",
    "decision.degraded": "granted in a lesser form",
    "decision.denied": "denied",
    "unknown.denied": "What is unknown here is denied.",
    "unknown.degraded": "What is unknown here leaves a lesser form: {parameters}.",
    "column.step": "looked at",
    "column.verdict": "verdict",
    "column.until": "at least until",
    "column.why": "why",
    "verdict.holds": "holds",
    "verdict.unknown": "unknown",
    "verdict.fails": "fails",
    "step.safety": "safety function",
    "step.device": "agent and store",
    "step.manifest": "product's capability",
    "step.entitlement": "entitlement",
    "step.release": "release",
    "step.identity": "product manifest",
    "step.grant": "grant",
    "step.limits": "limits known here",
    "step.status": "status list",
    "step.validity": "entitlement's validity",
    "step.freshness": "news and reports",
    "step.period": "period",
    "step.schedule": "schedule",
    "step.area": "place",
    "step.authority": "legal authority",
    "step.operators": "operators",
    "step.parameters": "parameters",
    "step.quota": "quota",
}
