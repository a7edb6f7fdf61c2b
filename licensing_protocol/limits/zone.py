"""A zone: a place with its border, where the border comes from and how far it may be off (protocol §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields

_MAX_TEXT = 200
_MAX_PARTS = 10_000
_MAX_RING = 50_000
_SMALLEST_RING = 4
_HALF_THE_EARTH_M = 20_038_000.0


@dataclass(frozen=True, slots=True)
class Zone:
    """``geometry`` is a GeoJSON (Multi)Polygon, or a circle; ``positions`` counts what the entitlement's bound counts.

    Only the structure is known to be right. Whether a border crosses itself is found when the zone is compiled.
    """

    name: str
    geometry: JsonObject
    source: str
    accuracy_m: float
    pov: str
    positions: int

    @classmethod
    def parse(cls, value: Any) -> Zone:
        """Read ``{name, geometry, source, accuracy_m, pov}``.

        Raises:
            MalformedDocument: ``zone.geometry`` for anything but closed rings of in-range positions, or a circle.
        """
        fields = Fields(value, "zone")
        geometry = fields.take("geometry")
        zone = cls(
            name=fields.text("name", longest=_MAX_TEXT),
            geometry=geometry,
            source=fields.text("source", longest=_MAX_TEXT),
            accuracy_m=fields.number("accuracy_m", least=0, most=_HALF_THE_EARTH_M),
            pov=fields.text("pov", longest=_MAX_TEXT),
            positions=_count_positions(geometry),
        )
        fields.end()
        return zone

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {
            "name": self.name,
            "geometry": self.geometry,
            "source": self.source,
            "accuracy_m": self.accuracy_m,
            "pov": self.pov,
        }


def _count_positions(geometry: Any) -> int:
    fields = Fields(geometry, "zone.geometry")
    if fields.has("circle"):
        circle = fields.object("circle")
        _read_position(circle.take("center"))
        circle.number("radius_m", least=1, most=_HALF_THE_EARTH_M)
        circle.end()
        fields.end()
        return 1
    kind = fields.text("type")
    if kind == "Polygon":
        polygons = [fields.list_of("coordinates", least=1, most=_MAX_PARTS)]
    elif kind == "MultiPolygon":
        polygons = fields.list_of("coordinates", least=1, most=_MAX_PARTS)
    else:
        raise _malformed("A zone is a Polygon, a MultiPolygon or a circle.")
    fields.end()
    return sum(_count_ring(ring) for rings in polygons for ring in _list(rings))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise _malformed("A polygon is a list of rings.")
    return value


def _count_ring(ring: Any) -> int:
    if not isinstance(ring, list) or not _SMALLEST_RING <= len(ring) <= _MAX_RING:
        raise _malformed("A ring has at least four positions.")
    positions = [_read_position(position) for position in ring]
    if positions[0] != positions[-1]:
        raise _malformed("A ring ends where it begins.")
    return len(ring)


def _read_position(value: Any) -> tuple[float, float]:
    fields = Fields({"position": value}, "zone")
    longitude, latitude = fields.list_of("position", least=2, most=2)
    position = Fields({"longitude": longitude, "latitude": latitude}, "zone.position")
    return position.number("longitude", least=-180, most=180), position.number("latitude", least=-90, most=90)


def _malformed(sentence: str) -> MalformedDocument:
    return MalformedDocument(sentence, code="zone.geometry")
