"""The limits of a grant: parsed strictly, evaluated purely, so that a server can simulate a device (protocol §3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from licensing_protocol.canonical import JsonObject
from licensing_protocol.fields import Fields
from licensing_protocol.limits.area import Area, CompiledArea, Footing, Surrounding
from licensing_protocol.limits.authority import Authority
from licensing_protocol.limits.fix import Fix
from licensing_protocol.limits.operators import Operators
from licensing_protocol.limits.parameters import CompiledParameters, Parameters
from licensing_protocol.limits.period import Period
from licensing_protocol.limits.platform import Platform
from licensing_protocol.limits.quota import Quota
from licensing_protocol.limits.schedule import CompiledSchedule, Schedule
from licensing_protocol.limits.verdict import Standing, Verdict, fails, holds, unknown
from licensing_protocol.limits.whereabouts import Whereabouts
from licensing_protocol.limits.zone import Zone
from licensing_protocol.time_bounds import TimeBounds

__all__ = [
    "Area",
    "Authority",
    "CompiledLimits",
    "Fix",
    "Footing",
    "Limits",
    "Operators",
    "Parameters",
    "Period",
    "Platform",
    "Quota",
    "Schedule",
    "Standing",
    "Surrounding",
    "Verdict",
    "Whereabouts",
    "Zone",
    "fails",
    "holds",
    "unknown",
]

_KINDS: Final[Mapping[str, Any]] = {
    "period": Period,
    "schedule": Schedule,
    "area": Area,
    "quota": Quota,
    "parameters": Parameters,
    "authority": Authority,
    "operators": Operators,
    "platform": Platform,
}
_MAX_KINDS: Final = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """One member for each kind, ``None`` where the grant has no such limit.

    ``foreign`` keeps the limits of unknown kind as they came: they deny the capability, and survive a round trip.
    """

    period: Period | None = None
    schedule: Schedule | None = None
    area: Area | None = None
    quota: Quota | None = None
    parameters: Parameters | None = None
    authority: Authority | None = None
    operators: Operators | None = None
    platform: Platform | None = None
    foreign: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: Any) -> Limits:
        """Read the member ``limits``: a malformed limit of a known kind refuses the document."""
        members = dict(Fields({"limits": value}, "grant").members("limits", most=_MAX_KINDS))
        known = {kind: _KINDS[kind].parse(members.pop(kind)) for kind in list(members) if kind in _KINDS}
        return cls(**known, foreign=members)

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        present = {kind: getattr(self, kind) for kind in _KINDS if getattr(self, kind) is not None}
        return {kind: limit.to_claims() for kind, limit in present.items()} | dict(self.foreign)

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The kinds that this version does not know."""
        return tuple(sorted(self.foreign))

    @property
    def zone_ids(self) -> frozenset[str]:
        """The zones that the limits refer to."""
        return frozenset() if self.area is None else self.area.zone_ids

    def compile(self, zones: Mapping[str, Zone]) -> CompiledLimits:
        """Make the limits ready to evaluate.

        Raises:
            Unavailable: an optional library is not installed, or a time zone not known.
            MalformedDocument: a border that crosses itself, or a schema that is none.
        """
        return CompiledLimits(self, zones)


class CompiledLimits:
    """Limits with their borders, schemas and time zones ready."""

    def __init__(self, limits: Limits, zones: Mapping[str, Zone]) -> None:
        self._limits = limits
        self._schedule: CompiledSchedule | None = None if limits.schedule is None else limits.schedule.compile()
        self._area: CompiledArea | None = None if limits.area is None else limits.area.compile(zones)
        self._parameters: CompiledParameters | None = None
        if limits.parameters is not None:
            self._parameters = limits.parameters.compile()

    def standing(
        self, time: TimeBounds, fix: Fix | None, age: float | None, before: Footing | None = None
    ) -> dict[str, Verdict]:
        """Evaluate by kind, in order, what depends on time and place; ``age`` of the fix in seconds.

        ``before`` is what the area answered last.
        """
        verdicts = {}
        if self._limits.period is not None:
            verdicts["period"] = self._limits.period.evaluate(time)
        if self._schedule is not None:
            verdicts["schedule"] = self._schedule.evaluate(time)
        if self._area is not None:
            verdicts["area"] = self._area.evaluate(fix, age, before)
        return verdicts

    def on_use(
        self,
        parameters: Mapping[str, Any],
        authority: str | None,
        operators: Collection[str],
        used: int,
        lower: int,
    ) -> dict[str, Verdict]:
        """Evaluate by kind, in order, what depends on one use; ``used`` counts the window of ``lower`` (seconds)."""
        limits = self._limits
        verdicts = {}
        if limits.authority is not None:
            verdicts["authority"] = limits.authority.evaluate(authority)
        if limits.operators is not None:
            verdicts["operators"] = limits.operators.evaluate(operators)
        if self._parameters is not None:
            verdicts["parameters"] = self._parameters.evaluate(parameters)
        if limits.quota is not None:
            verdicts["quota"] = limits.quota.evaluate(used, lower)
        return verdicts

    def footing(self, fix: Fix, age: float, before: Footing | None) -> Footing | None:
        """Return what the area's answer to a position is to the answers after it."""
        return None if self._area is None else self._area.settle(fix, age, before)[1]

    def surroundings(self, fix: Fix) -> tuple[Surrounding, ...]:
        """Return the zones of the area as they are seen from a position, the nearest border first."""
        return () if self._area is None else self._area.surroundings(fix)
