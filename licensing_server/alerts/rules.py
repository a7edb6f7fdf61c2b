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
_ANOMALIES: Final = {
    "journal.gap": "The journal has a gap: events were dropped.",
    "journal.head": "The journal's head does not follow from its events: the record was changed.",
    "evidence.nonce": "The evidence answers another nonce than it was given.",
    "manifest.unknown": "The device runs a release whose manifest is not registered.",
}
_CLOCK: Final = {
    EventType.CLOCK_ROLLED_BACK: "The device's clock was set back.",
    EventType.CLOCK_JUMPED: "The device's clock jumped.",
}


def changes(events: Iterable[Seen]) -> list[Finding]:
    """A configuration change opens a case."""
    found = [event for event in events if event.type == EventType.CONFIGURATION_CHANGED]
    return [Finding("configuration.changed", _change(event.data)) for event in found]


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


def clocks_and_positions(events: Iterable[Seen]) -> list[Finding]:
    """A clock or position that cannot be right opens a case."""
    found = []
    for event in events:
        if event.type in _CLOCK:
            found.append(Finding("clock.anomaly", _CLOCK[EventType(event.type)]))
        elif event.type == EventType.POSITION_IMPLAUSIBLE:
            found.append(Finding("position.anomaly", "The device reported a position that cannot be right."))
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
