"""``area``: within some zones and outside others (protocol §3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument, Unavailable
from licensing_protocol.fields import Fields
from licensing_protocol.limits.fix import Fix
from licensing_protocol.limits.verdict import Standing, Verdict, fails, holds, unknown
from licensing_protocol.limits.whereabouts import Border, Bordered, Nearest, Whereabouts
from licensing_protocol.limits.zone import Zone
from licensing_protocol.reasons import Reason

_MAX_ZONES = 1000


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


@dataclass(frozen=True, slots=True)
class Footing:
    """What an area answered last, and the seconds since a position by itself was answered so strictly."""

    standing: Standing
    age: float


class CompiledArea:
    """An area with its borders ready."""

    def __init__(self, area: Area, zones: Mapping[str, Zone]) -> None:
        self._area = area
        self._allow = [_bordered(zones[zone_id], allowed=True) for zone_id in area.allow]
        self._deny = [_bordered(zones[zone_id], allowed=False) for zone_id in area.deny]
        self._nearest = Nearest(self._allow)

    def evaluate(self, fix: Fix | None, age: float | None, before: Footing | None = None) -> Verdict:
        """Hold the newest position, ``age`` seconds old, against the area; NaN is no position and no age."""
        return self.settle(fix, age, before)[0]

    def settle(
        self, fix: Fix | None, age: float | None, before: Footing | None = None
    ) -> tuple[Verdict, Footing | None]:
        """Answer as :meth:`evaluate`, and return what the next position is to be held against besides.

        After a stricter answer (``before``, until ``max_age``) the cautious one counts, so that positions that differ
        only by chance do not change the answer to and fro. It is never milder than the position's own.
        """
        if fix is None or not fix.in_range or age is None or not age <= self._area.max_age:
            return unknown(Reason("area.no_position", {"max_age": self._area.max_age})), None
        if fix.uncertainty_m > self._area.max_uncertainty_m:
            return unknown(Reason("area.uncertain")), None
        plain = self._hold(fix, Bordered.plainly)
        if before is None or not before.age <= self._area.max_age or before.standing <= plain.standing:
            return plain, Footing(plain.standing, age)
        cautious = self._hold(fix, Bordered.cautiously)
        is_held = cautious.standing > plain.standing
        return cautious, Footing(cautious.standing, before.age if is_held else age)

    def where(self, fix: Fix) -> Whereabouts:
        """Return whether the position is inside the area as a whole."""
        standing = self.evaluate(fix, 0).standing
        return (Whereabouts.IN, Whereabouts.UNCERTAIN, Whereabouts.OUT)[standing]

    def surroundings(self, fix: Fix) -> tuple[Surrounding, ...]:
        """Return every zone as it is seen from a position, the nearest border first."""
        seen = [_surrounding(zone, fix) for zone in (*self._allow, *self._deny)]
        return tuple(sorted(seen, key=lambda one: abs(one.distance_m)))

    def _hold(self, fix: Fix, judge: Callable[[Bordered, Fix], Whereabouts]) -> Verdict:
        denied = [(judge(zone, fix), zone.zone) for zone in self._deny]
        for answer, zone in denied:
            if answer is Whereabouts.IN:
                return fails(Reason("area.denied_zone", zone=zone.name))
        allowed = [(judge(zone, fix), zone.zone) for zone in self._allow]
        answers = {answer for answer, _ in allowed} or {Whereabouts.IN}
        if answers == {Whereabouts.OUT}:
            return fails(Reason("area.outside", zone=self._nearest.name(fix)))
        unclear = denied if Whereabouts.IN in answers else (*allowed, *denied)
        for answer, zone in unclear:
            if answer is Whereabouts.UNCERTAIN:
                return unknown(Reason("area.uncertain", zone=zone.name))
        return holds()


def _bordered(zone: Zone, *, allowed: bool) -> Bordered:
    return Bordered(zone, _border(zone), allowed)


def _border(zone: Zone) -> Border:
    try:
        from licensing_protocol.limits.border import CircleBorder, PolygonBorder
    except ImportError as error:
        raise Unavailable("Area limits need the extra interlock[geo].", code="area.unavailable") from error
    circle = zone.geometry.get("circle")
    return CircleBorder(circle) if circle else PolygonBorder(zone.geometry)


def _surrounding(seen: Bordered, fix: Fix) -> Surrounding:
    distance = seen.border.signed_distance(fix)
    return Surrounding(seen.zone.name, seen.allowed, seen.plainly(fix), distance, seen.margin_m(fix))
