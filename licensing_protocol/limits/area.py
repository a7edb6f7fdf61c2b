"""``area``: within some zones and outside others (protocol §3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument, Unavailable
from licensing_protocol.fields import Fields
from licensing_protocol.limits.fix import Fix
from licensing_protocol.limits.verdict import Verdict, fails, holds, unknown
from licensing_protocol.limits.zone import Zone
from licensing_protocol.reasons import Reason

_MAX_ZONES = 1000


class Whereabouts(StrEnum):
    """A position against one zone, or against a whole area."""

    IN = "in"
    OUT = "out"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Area:
    """Ids of zones; no ``allow`` means everywhere. ``max_age`` in seconds, ``max_uncertainty_m`` in metres."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]
    max_age: int
    max_uncertainty_m: float

    @classmethod
    def parse(cls, value: Any) -> Area:
        """Read ``{allow, deny, max_age, max_uncertainty_m}``; an area without any zone is ``area.empty``."""
        fields = Fields(value, "area")
        area = cls(
            allow=fields.texts("allow", most=_MAX_ZONES),
            deny=fields.texts("deny", most=_MAX_ZONES),
            max_age=fields.integer("max_age", least=1),
            max_uncertainty_m=fields.number("max_uncertainty_m", least=0, most=20_038_000),
        )
        fields.end()
        if not area.zone_ids:
            raise MalformedDocument("An area names at least one zone.", code="area.empty")
        return area

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {
            "allow": list(self.allow),
            "deny": list(self.deny),
            "max_age": self.max_age,
            "max_uncertainty_m": self.max_uncertainty_m,
        }

    @property
    def zone_ids(self) -> frozenset[str]:
        """The zones that it refers to."""
        return frozenset(self.allow) | frozenset(self.deny)

    def compile(self, zones: Mapping[str, Zone]) -> CompiledArea:
        """Make it ready to evaluate.

        Raises:
            Unavailable: Shapely or geographiclib is not installed.
            MalformedDocument: ``zone.geometry`` for a border that crosses itself.
        """
        return CompiledArea(self, zones)


@dataclass(frozen=True, slots=True)
class Surrounding:
    """One zone as seen from a position: metres to its border (negative inside), and within how many nothing is sure."""

    zone: str
    allowed: bool
    where: Whereabouts
    distance_m: float
    margin_m: float


class _Border(Protocol):
    def signed_distance(self, fix: Fix) -> float: ...

    def beyond(self, fix: Fix, margin: float) -> int: ...


class CompiledArea:
    """An area with its borders ready."""

    def __init__(self, area: Area, zones: Mapping[str, Zone]) -> None:
        self._area = area
        self._allow = [(zones[zone_id], _border(zones[zone_id])) for zone_id in area.allow]
        self._deny = [(zones[zone_id], _border(zones[zone_id])) for zone_id in area.deny]

    def evaluate(self, fix: Fix | None, age: float | None) -> Verdict:
        """Hold the newest position, ``age`` seconds old, against the area; NaN is no position and no age."""
        if fix is None or not fix.in_range or age is None or not age <= self._area.max_age:
            return unknown(Reason("area.no_position", {"max_age": self._area.max_age}))
        if fix.uncertainty_m > self._area.max_uncertainty_m:
            return unknown(Reason("area.uncertain"))
        denied = [(zone, _against(zone, border, fix)) for zone, border in self._deny]
        for zone, answer in denied:
            if answer is Whereabouts.IN:
                return fails(Reason("area.denied_zone", zone=zone.name))
        allowed = [(zone, _against(zone, border, fix)) for zone, border in self._allow]
        answers = {answer for _, answer in allowed} or {Whereabouts.IN}
        if answers == {Whereabouts.OUT}:
            return fails(Reason("area.outside", zone=self._nearest(fix)))
        unclear = denied if Whereabouts.IN in answers else (*allowed, *denied)
        for zone, answer in unclear:
            if answer is Whereabouts.UNCERTAIN:
                return unknown(Reason("area.uncertain", zone=zone.name))
        return holds()

    def where(self, fix: Fix) -> Whereabouts:
        """Return whether the position is inside the area as a whole."""
        standing = self.evaluate(fix, 0).standing
        return (Whereabouts.IN, Whereabouts.UNCERTAIN, Whereabouts.OUT)[standing]

    def surroundings(self, fix: Fix) -> tuple[Surrounding, ...]:
        """Return every zone as it is seen from a position, the nearest border first."""
        sides = ((True, self._allow), (False, self._deny))
        seen = [_surrounding(zone, border, fix, allowed) for allowed, zones in sides for zone, border in zones]
        return tuple(sorted(seen, key=lambda one: abs(one.distance_m)))

    def _nearest(self, fix: Fix) -> str:
        return min(self._allow, key=lambda pair: pair[1].signed_distance(fix))[0].name


def _border(zone: Zone) -> _Border:
    try:
        from licensing_protocol.limits.border import CircleBorder, PolygonBorder
    except ImportError as error:
        raise Unavailable("Area limits need the extra interlock[geo].", code="area.unavailable") from error
    circle = zone.geometry.get("circle")
    return CircleBorder(circle) if circle else PolygonBorder(zone.geometry)


def _against(zone: Zone, border: _Border, fix: Fix) -> Whereabouts:
    beyond = border.beyond(fix, fix.uncertainty_m + zone.accuracy_m)
    return (Whereabouts.UNCERTAIN, Whereabouts.OUT, Whereabouts.IN)[beyond]


def _surrounding(zone: Zone, border: _Border, fix: Fix, allowed: bool) -> Surrounding:
    margin = fix.uncertainty_m + zone.accuracy_m
    return Surrounding(zone.name, allowed, _against(zone, border, fix), border.signed_distance(fix), margin)
