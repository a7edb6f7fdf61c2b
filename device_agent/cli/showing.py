"""How statuses, decisions, reports and events are shown."""

from __future__ import annotations

from typing import Any

from device_agent.agent.status import AgentStatus
from device_agent.cli.output import Output
from device_agent.exchange import SyncReport
from licensing_protocol.canonical import JsonObject
from licensing_protocol.decision import Decision, Granted
from licensing_protocol.explanation import Explanation
from licensing_protocol.journal import Event
from licensing_protocol.languages import Language, instant

_CAPABILITIES = ("capability", "granted", "code", "sentence", "degraded", "obligations", "audit")
_EVENTS = ("seq", "type", "from", "until", "count", "data")


def show_status(output: Output, status: AgentStatus, language: Language) -> None:
    """Show how a device stands: a record, what each capability would answer, and the exporter's notices."""
    told = status.to_json(language)
    if output.as_json:
        output.json(told)
        return
    held, clock = status.entitlement, status.clock
    output.record(
        {
            "device": status.device,
            "product": f"{status.product} {status.release}",
            "enrolled": status.enrolled,
            "problem": None if status.problem is None else language.sentence(status.problem),
            "entitlement": None if held is None else f"{held.id}, until {instant(held.expires)}",
            "status_lists": [f"{found.uri} from {instant(found.issued_at)}" for found in status.lists],
            "last_receipt": None if status.receipt is None else instant(status.receipt.issued_at),
            "time": None if clock is None else _time(clock.lower, clock.upper),
            "unreported_events": status.unreported,
        }
    )
    for name, found in told["capabilities"].items():
        reason = status.capabilities[name].reason
        found |= {"capability": name} if reason is None else {"capability": name, "sentence": language.told(reason)}
    output.rows(list(told["capabilities"].values()), _CAPABILITIES)
    for notice in status.notices:
        output.say(notice)


def show_decision(output: Output, decision: Decision, language: Language) -> None:
    """Show a decision and its reason; when and where it may be otherwise is a part of the sentence for people."""
    told = _decision(decision, language)
    if decision.reason is not None and not output.as_json:
        told["sentence"] = language.told(decision.reason)
        told = {name: value for name, value in told.items() if name not in {"zone", "retry_at"}}
    output.record(told)


def show_explanation(output: Output, explanation: Explanation, language: Language) -> None:
    """Show a decision with everything that was looked at, in its order."""
    if output.as_json:
        output.json(_decision(explanation.decision, language) | explanation.to_json(language))
        return
    head, *rows = explanation.rows(language)
    for line in explanation.summary(language):
        output.say(line)
    output.rows([dict(zip(head, row, strict=True)) for row in rows], head)
    for line in explanation.remainder(language):
        output.say(line)


def show_report(output: Output, report: SyncReport, device: str) -> None:
    """Show what an exchange brought; what did not work is said beside it."""
    told = report.to_json()
    if output.as_json:
        output.json({"device": device} | told)
        return
    problems = told.pop("problems")
    output.record({"device": device} | told)
    for problem in problems:
        output.note(f"Not done: {problem['sentence']}  ({problem['code']})")


def show_events(output: Output, events: list[Event]) -> None:
    """Show events of the journal."""
    if output.as_json:
        output.rows([event.to_json() for event in events], ())
        return
    output.rows([_row(event) for event in events], _EVENTS)
    if not events:
        output.note("Everything that happened is covered by a receipt.")


def _decision(decision: Decision, language: Language) -> JsonObject:
    told: JsonObject = {"granted": isinstance(decision, Granted), "capability": decision.capability}
    if isinstance(decision, Granted):
        told |= {"audit": str(decision.audit), "obligations": list(decision.obligations)}
        told |= {} if decision.reason is None else {"degraded": decision.degraded}
    reason = decision.reason
    if reason is not None:
        told |= {"code": reason.code, "sentence": language.sentence(reason)}
        told |= {"zone": reason.zone, "retry_at": reason.retry_at}
    return {name: value for name, value in told.items() if value is not None}


def _row(event: Event) -> dict[str, Any]:
    data = dict(event.data)
    count, until = data.pop("count", 1), data.pop("until", None)
    when = {"from": instant(event.lower), "until": instant(until) if isinstance(until, int) else None}
    return {"seq": event.sequence, "type": event.type} | when | {"count": count, "data": data}


def _time(lower: int, upper: int | None) -> str:
    if upper is None:
        return f"at least {instant(lower)}"
    return f"{instant(lower)} to {instant(upper)}"
