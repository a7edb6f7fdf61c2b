"""What is known of one capability, and until when it need not be asked again. Pure.

An answer holds while the time since start is below ``until``: the first instant at which the time, the age of the
position or the next look at the world may change it. Whoever asks before that compares two numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

from device_agent.location import Sighting
from licensing_protocol.decision import CompiledGrant, Contact, Decision, Denied, Place, Use
from licensing_protocol.grant import Audit
from licensing_protocol.limits import Footing
from licensing_protocol.limits.verdict import Standing, Verdict, together
from licensing_protocol.reasons import Reason
from licensing_protocol.time_bounds import TimeBounds

# Within the last whole second the bounds, which are whole seconds, cannot say how much of it is left.
_LAST_SECOND_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Answer:
    """``decision`` is what stands whatever the single use is; ``until`` in seconds since start.

    ``grant`` and ``standing`` are there where a grant is, so that a single use can be held against its own limits;
    ``footing`` is there where a position was held against an area.
    """

    decision: Decision
    until: float = inf
    grant: CompiledGrant | None = None
    standing: Verdict | None = None
    footing: Footing | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing about the single use can change the decision."""
        return self.grant is None or not depends_on_use(self.grant)

    def on_use(self, use: Use, used: int, lower: int) -> Decision:
        """Decide one use; ``used`` counts the quota window of ``lower`` (seconds)."""
        if self.grant is None or self.standing is None:
            return self.decision
        return self.grant.settle(together((self.standing, self.grant.on_use(use, used, lower))))


def refused(capability: str, reason: Reason, until: float = inf) -> Answer:
    """Return the answer where no grant can be looked at."""
    return Answer(Denied(capability, reason), until)


def evaluate(
    grant: CompiledGrant,
    contact: Contact,
    bounds: TimeBounds,
    sighting: Sighting | None,
    boottime: float,
    before: Footing | None = None,
) -> Answer:
    """Return the answer of one grant at one moment: ``bounds`` are the time, and ``before`` is, at ``boottime``."""
    place = None if sighting is None else Place(sighting.fix, boottime - sighting.boottime, before)
    standing = grant.standing(contact, bounds, place)
    footing = None if place is None else grant.footing(place)
    until = min(
        _time_changes(standing, bounds, boottime),
        _position_ages(grant, place, footing, boottime),
        _window_ends(grant, bounds, boottime),
    )
    return Answer(grant.settle(standing), until, grant, standing, footing)


def depends_on_use(grant: CompiledGrant) -> bool:
    """Tell whether the grant limits the single use, and not only time and place."""
    limits = grant.grant.limits
    own = (limits.quota, limits.parameters, limits.authority, limits.operators)
    return any(limit is not None for limit in own)


def needs_disk(grant: CompiledGrant) -> bool:
    """Tell whether each use must be on disk before it begins, as an event of its own.

    Uses of a quota are on disk too, but in blocks.
    """
    return grant.grant.audit is Audit.EACH


def rests_on_wall_clock(held: Answer, bounds: TimeBounds) -> bool:
    """Tell whether a schedule was granted on the word of the wall clock, which must not go back behind that (§5)."""
    if held.grant is None or held.standing is None or held.grant.grant.limits.schedule is None:
        return False
    return held.standing.standing is Standing.HOLDS and bounds.upper is None


def _time_changes(standing: Verdict, bounds: TimeBounds, boottime: float) -> float:
    if standing.changes_at is None:
        return inf
    left = standing.changes_at - bounds.latest
    return boottime + max(left - 1, _LAST_SECOND_S)


def _position_ages(grant: CompiledGrant, place: Place | None, footing: Footing | None, boottime: float) -> float:
    area = grant.grant.limits.area
    if area is None or place is None:
        return inf
    return boottime - max(place.age, 0.0 if footing is None else footing.age) + area.max_age


def _window_ends(grant: CompiledGrant, bounds: TimeBounds, boottime: float) -> float:
    """Return when a use may belong to the quota's next window.

    That is by the lower bound alone: a wall clock far ahead neither ends a window nor has every use evaluated anew. In
    the last second of a window every use is.
    """
    quota = grant.grant.limits.quota
    ends = None if quota is None else quota.window(bounds.lower).ends
    return inf if ends is None else boottime + ends - bounds.lower - 1
