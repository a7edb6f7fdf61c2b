"""Why a decision fell as it did: a stable code, and a sentence that tells the product's operator what to do next.

Code, details, instant and zone are data. The sentences here are the English ones; :mod:`licensing_protocol.languages`
has others, and puts instant and zone into words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    "entitlement.absent": "This device holds no entitlement yet; enrol it or let it sync.",
    "entitlement.not_yet_valid": "The entitlement is not valid yet.",
    "entitlement.expired": "The entitlement has expired; let the device sync, or ask the exporter for a renewal.",
    "entitlement.release": "The entitlement does not cover this release; ask the exporter for a new one.",
    "entitlement.manifest": "The entitlement was issued for another product manifest; let the device sync.",
    "capability.unknown": "The product's manifest does not name this capability.",
    "capability.stripped": "This capability is not granted to this device.",
    "limit.unsupported": "The grant carries a limit that this installation cannot enforce: {limits}.",
    "status.absent": "No status list for this grant has arrived; let the device sync.",
    "status.invalid": "This grant was revoked; the exporter's notice says why and where to appeal.",
    "status.suspended": "This grant is suspended; the exporter's notice says why and where to appeal.",
    "status.stale": "The newest status list is too old; connect the device so that it can fetch a new one.",
    "contact.silent": "The exporter has not heard from this device for too long; connect it so that it can report.",
    "contact.this_boot": "The exporter must hear from this device after each start; connect it.",
    "time.unknown": "The time cannot be trusted since the clock was set; connect the device once.",
    "period.not_yet": "The grant's period has not begun.",
    "period.over": "The grant's period is over.",
    "schedule.closed": "Not within the hours that the grant allows.",
    "area.outside": "Not within a place that the grant allows; go to one.",
    "area.denied_zone": "Within a zone where the grant forbids this; leave it.",
    "area.uncertain": "Too close to a border, or too imprecise a position, to tell whether the grant allows this here; "
    "move away from the border, or wait for a better position.",
    "area.no_position": "The grant depends on the place, and no position of the last {max_age} s is known; see that "
    "the receiver has a view of the sky.",
    "quota.exhausted": "The uses that the grant allows are spent.",
    "parameters.refused": "The grant does not allow these parameters: {problem}.",
    "authority.missing": "Cite the legal authority for this use.",
    "authority.refused": "The legal authority cited does not have the form that the grant asks for.",
    "operators.too_few": "The grant asks for {distinct} different operators behind this use.",
    "store.unreadable": "The device's store cannot be read; its records must be repaired or the device re-enrolled.",
    "store.newer": "The device's store was written by a newer agent; install that version.",
    "store.locked": "The device's store is busy; try again.",
    "store.full": "The device's disk is full, so nothing can be recorded; free some space.",
    "journal.full": "The journal is full until the exporter confirms it; connect the device.",
    "agent.closed": "The agent was closed.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. ``details`` are what its sentence fills in.

    ``retry_at`` (seconds) is the earliest instant at which this reason may go by the passing of time alone: before it,
    asking again is in vain. It promises nothing: another reason may stand by then. It is ``None`` where no instant is
    known, or where the grant has ended by then. ``zone`` names a zone: the nearest that is allowed (``area.outside``),
    the one that forbids (``area.denied_zone``), or the one whose border is too close (``area.uncertain``).
    """

    code: str
    details: Mapping[str, str | int] = field(default_factory=dict)
    retry_at: int | None = None
    zone: str | None = None

    @property
    def sentence(self) -> str:
        """The reason in plain English."""
        return filled(SENTENCES[self.code], self.details)


def filled(sentence: str, details: Mapping[str, str | int]) -> str:
    """Return a sentence with its details; one that is not known is left out, for a sentence never fails a device."""
    return sentence.format_map(_Details(details))


class _Details(dict[str, str | int]):
    def __missing__(self, name: str) -> str:
        return "…"
