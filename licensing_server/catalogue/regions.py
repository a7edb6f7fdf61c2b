"""Borders of countries and regions, cut into zones when an entitlement is issued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry import mapping, shape

from licensing_protocol import canonical
from licensing_protocol.limits import Zone
from licensing_server.problem import not_found

SOURCE: Final = "rapideditor/country-coder 5.6.1"
# The data's own documentation gives no figure; it calls land borders "of varying detail" and generalises those over
# water. Two kilometres is our own cautious allowance, not a measured one: within it, a position is uncertain.
ACCURACY_M: Final = 2_000.0
POINT_OF_VIEW: Final = "de facto control; one country for each place; no claims in Antarctica"
_NAMES: Final = ("iso1A2", "iso1A3", "iso1N3", "m49", "wikidata")
# Codes that ISO keeps free for others, such as EU and AC, are no countries.
_RESERVED: Final = "excRes"
_DECIMALS: Final = 6
_ANTIMERIDIAN: Final = 180.0
# Nowhere farther than the accuracy that is allowed for.
_BESIDE_DEG: Final = 0.016


@dataclass(frozen=True, slots=True)
class Region:
    """``code`` is what an area names: ISO 3166-1 alpha-2 where there is one, else GB-ENG, a UN M49 number or such."""

    code: str
    name: str
    level: str


class Regions:
    """The regions of the boundary data, by any of their codes."""

    def __init__(self, features: list[dict[str, Any]]) -> None:
        self._features = features
        self._by_code: dict[str, dict[str, Any]] = {}
        # Cutting a large region takes a second, and the borders never change while the server runs.
        self._cut: dict[str, Zone] = {}
        for feature in features:
            for code in _codes(feature):
                self._by_code.setdefault(code, feature)

    @staticmethod
    @cache
    def load() -> Regions:
        """Return the regions that ship with the server."""
        data = canonical.decode_object((files(__package__) / "borders.json").read_bytes())
        return Regions(data["features"])

    def all(self) -> list[Region]:
        """Return every region, sorted by code."""
        known = (_region(feature) for feature in self._features if self._parts(feature))
        return sorted(known, key=lambda region: region.code)

    def has(self, code: str) -> bool:
        """Tell whether a code is known."""
        return code.upper() in self._by_code

    def is_country(self, code: str) -> bool:
        """Tell whether a code is one of ISO 3166-1 alpha-2, or XK, as which Kosovo is known meanwhile."""
        feature = self._by_code.get(code)
        properties = {} if feature is None else feature["properties"]
        return properties.get("iso1A2") == code and properties.get("isoStatus") != _RESERVED

    def zone(self, code: str) -> Zone:
        """Cut the region to a zone.

        A country is all of its parts, overseas and dependent ones included, as the data attributes them; name a part
        (FX for metropolitan France) where less is meant.

        Raises:
            NotFound: ``region.unknown``.
        """
        if code.upper() not in self._cut:
            self._cut[code.upper()] = self._cut_out(code)
        return self._cut[code.upper()]

    def _cut_out(self, code: str) -> Zone:
        feature = self._by_code.get(code.upper())
        parts = [] if feature is None else self._parts(feature)
        if feature is None or not parts:
            raise not_found("region", code)
        return Zone.parse(_cut(_region(feature), [part["geometry"] for part in parts]))

    def _parts(self, feature: Mapping[str, Any]) -> list[dict[str, Any]]:
        wanted = set(_codes(feature))
        return [part for part in self._features if part["geometry"] and _belongs(part, wanted)]


def _belongs(part: Mapping[str, Any], wanted: set[str]) -> bool:
    properties = part["properties"]
    within = {properties.get("country"), *properties.get("groups", ())}
    return bool(wanted & (set(_codes(part)) | within))


def _codes(feature: Mapping[str, Any]) -> list[str]:
    properties = feature["properties"]
    return [*(properties[name] for name in _NAMES if name in properties), *properties.get("aliases", ())]


def _region(feature: Mapping[str, Any]) -> Region:
    properties = feature["properties"]
    readable = [properties[name] for name in ("iso1A2", "m49") if name in properties]
    return Region(
        code=next(iter([*readable, *properties.get("aliases", ()), properties["wikidata"]])),
        name=properties["nameEn"],
        level=properties.get("level", "country" if "country" not in properties else "part"),
    )


def _cut(region: Region, geometries: list[dict[str, Any]]) -> dict[str, Any]:
    parts = [shapely.make_valid(shapely.transform(shape(geometry), _to_the_seam)) for geometry in geometries]
    whole = shapely.set_precision(shapely.union_all(parts), 10**-_DECIMALS)
    polygons = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon" and not part.is_empty]
    return {
        "name": region.name,
        "geometry": _geojson(shapely.MultiPolygon(polygons)),
        "source": SOURCE,
        "accuracy_m": ACCURACY_M,
        "pov": POINT_OF_VIEW,
    }


def _to_the_seam(positions: Any) -> Any:
    """Move what was cut beside the antimeridian onto it: between two cuts would else lie a strip of no country."""
    near = np.abs(positions[:, 0]) > _ANTIMERIDIAN - _BESIDE_DEG
    positions[near, 0] = np.copysign(_ANTIMERIDIAN, positions[near, 0])
    return positions


def _geojson(polygons: Any) -> dict[str, Any]:
    coordinates = [
        [[[round(x, _DECIMALS), round(y, _DECIMALS)] for x, y in ring] for ring in polygon]
        for polygon in mapping(polygons)["coordinates"]
    ]
    if len(coordinates) == 1:
        return {"type": "Polygon", "coordinates": coordinates[0]}
    return {"type": "MultiPolygon", "coordinates": coordinates}
