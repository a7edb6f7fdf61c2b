"""What opens a case: pure rules over events and appraisals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from licensing_protocol.journal import EventType


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason to look: ``kind`` is stable, ``text`` is for people."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as a rule sees it; ``lower`` in seconds."""

    type: str
    lower: int
    data: Mapping[str, Any]


HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
_ANOMALIES: Final = {
    "journal.gap": "The journal has a gap: events were dropped.",
    "journal.head": "The journal's head does not follow from its events: the record was changed.",
    "evidence.nonce": "The evidence answers another nonce than it was given.",
    "manifest.unknown": "The device runs a release whose manifest is not registered.",
}
# Refused although the exporter signed it: somebody kept it, or made the exporter sign twice.
_REPLAYED: Final = frozenset({"continuity.rolled_back", "continuity.equivocation"})
# Late, and no forgery: whoever keeps a device off the network for long makes this happen.
_EXPIRED: Final = frozenset({"trust.root_expired", "trust.targets_expired"})
_ELSEWHERE: Final = frozenset({"area.outside", "area.denied_zone"})
_CLOCK: Final = {
    EventType.CLOCK_ROLLED_BACK: "The device's clock was set back.",
    EventType.CLOCK_JUMPED: "The device's clock jumped.",
}


def changes(events: Iterable[Seen]) -> list[Finding]:
    """A configuration change opens a case."""
    found = [event for event in events if event.type == EventType.CONFIGURATION_CHANGED]
    return [Finding("configuration.changed", _change(event.data)) for event in found]


def unreported_changes(appraisal: Mapping[str, Any], events: Iterable[Seen]) -> list[Finding]:
    """A measured component that is another than before, or gone, opens a case where no event tells of it."""
    told = {event.data.get("component") for event in events if event.type == EventType.CONFIGURATION_CHANGED}
    text = "The measured component {} is another than before or gone, and no event in the same report says so."
    return [
        Finding("configuration.changed", text.format(name)) for name in appraisal.get("changed", []) if name not in told
    ]


def repeated_denials(events: Iterable[Seen], threshold: int) -> list[Finding]:
    """``threshold`` denials of one capability within one hour open a case."""
    denials = [event for event in events if event.type == EventType.CAPABILITY_DENIED]
    if not denials:
        return []
    newest = max(event.lower for event in denials)
    counts: Counter[str] = Counter()
    for event in denials:
        if event.lower > newest - HOUR_S:
            counts[str(event.data.get("capability"))] += _count(event.data)
    return [
        Finding("denials.repeated", f"{capability} was denied {threshold} times or more within an hour.")
        for capability, count in sorted(counts.items())
        if count >= threshold
    ]


def replays(events: Iterable[Seen]) -> list[Finding]:
    """An entitlement that is older than the one held, or contradicts it, opens a case."""
    return [
        Finding("entitlement.replayed", "The device was offered an entitlement that it had to refuse as a replay.")
        for event in events
        if event.type == EventType.ENTITLEMENT_REFUSED and event.data.get("code") in _REPLAYED
    ]


def forgeries(events: Iterable[Seen]) -> list[Finding]:
    """Roots or Targets that the device had to refuse open a case: somebody other than the exporter offered them."""
    return [
        Finding("trust.refused", "The device refused a root of trust that it was offered, or its store was changed.")
        for event in events
        if event.type == EventType.TRUST_REFUSED and event.data.get("code") not in _EXPIRED
    ]


def displaced(events: Iterable[Seen], threshold: int) -> list[Finding]:
    """``threshold`` denials within a day because of the place, over an hour or more, open a case.

    Who stands at a border for a while is denied often, but not for long.
    """
    denials = [
        event
        for event in events
        if event.type == EventType.CAPABILITY_DENIED and event.data.get("reason") in _ELSEWHERE
    ]
    newest = max((_ended(event) for event in denials), default=0)
    denials = [event for event in denials if event.lower > newest - DAY_S]
    oldest = min((event.lower for event in denials), default=newest)
    if sum(_count(event.data) for event in denials) < threshold or newest - oldest < HOUR_S:
        return []
    text = f"Used where no grant allows it, {threshold} times or more over an hour or more: was the device moved?"
    return [Finding("diversion.place", text)]


def strangers(events: Iterable[Seen]) -> list[Finding]:
    """A day of uses behind which nobody stands whom the device knew the day before opens a case."""
    uses = [
        event for event in events if event.type == EventType.CAPABILITY_USED and _days(event, "operators") is not None
    ]
    newest = max((event.lower for event in uses), default=0)
    today = [event for event in uses if event.lower > newest - DAY_S]
    known = any(_days(event, "known_days") != 0 for event in today)
    if known or not any(_days(event, "longest_known_days") for event in today):
        return []
    text = "Nobody who used the device before stands behind its uses any more: is it in other hands?"
    return [Finding("diversion.operators", text)]


def clocks_and_positions(events: Iterable[Seen]) -> list[Finding]:
    """A clock or position that cannot be right opens a case."""
    found = []
    for event in events:
        if event.type in _CLOCK:
            found.append(Finding("clock.anomaly", _CLOCK[EventType(event.type)]))
        elif event.type == EventType.POSITION_IMPLAUSIBLE:
            found.append(Finding("position.anomaly", "The device reported a position that cannot be right."))
        elif event.type == EventType.POSITION_UNCONFIRMED:
            text = "One of the device's sources of positions fell silent, and nothing confirms what the others say."
            found.append(Finding("position.anomaly", text))
    return found


def anomalies(appraisal: Mapping[str, Any]) -> list[Finding]:
    """Whatever the appraisal found wrong with the record opens a case."""
    codes = appraisal.get("anomalies", [])
    return [Finding("continuity.anomaly", _ANOMALIES[code]) for code in codes if code in _ANOMALIES]


def _change(data: Mapping[str, Any]) -> str:
    paths = data.get("changed")
    named = f" ({', '.join(map(str, paths[:5]))})" if isinstance(paths, list) and paths else ""
    return f"The measured component {data.get('component')} changed{named}."


def _count(data: Mapping[str, Any]) -> int:
    count = data.get("count", 1)
    return count if isinstance(count, int) else 1


def _ended(event: Seen) -> int:
    """Return when the last of the like events that one stands for happened."""
    until = event.data.get("until")
    return until if isinstance(until, int) else event.lower


def _days(event: Seen, name: str) -> int | None:
    number = event.data.get(name)
    return number if isinstance(number, int) else None
