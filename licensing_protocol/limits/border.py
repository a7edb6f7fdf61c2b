"""Where a point lies against the border of one zone: inside or not, and how far from it in metres (WGS 84).

Imported only where an area limit is compiled: it needs Shapely, NumPy and geographiclib.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from geographiclib.geodesic import Geodesic
from shapely.geometry import shape

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.limits.fix import Fix

_FLATTENING = 1 / 298.257223563
_SEMI_MAJOR_M = 6_378_137.0
_SAMPLES = 17
_CANDIDATES = 8
_REFINEMENTS = 40
_ANTIMERIDIAN = 180.0
_POLE = 90.0
Floats = npt.NDArray[np.float64]


class CircleBorder:
    """A circle around a point, by geodesic distance."""

    def __init__(self, circle: JsonObject) -> None:
        self._longitude, self._latitude = circle["center"]
        self._radius_m = circle["radius_m"]

    def signed_distance(self, fix: Fix) -> float:
        """Return metres to the border, negative inside."""
        line = Geodesic.WGS84.Inverse(self._latitude, self._longitude, fix.latitude, fix.longitude)
        return float(line["s12"] - self._radius_m)


class PolygonBorder:
    """A (multi)polygon whose edges are straight in longitude and latitude (RFC 7946 §3.1.1)."""

    def __init__(self, geometry: JsonObject) -> None:
        self._polygon: Any = shape(geometry)
        if not self._polygon.is_valid:
            reason = shapely.is_valid_reason(self._polygon)
            raise MalformedDocument(f"The zone's border is not a border: {reason}.", code="zone.geometry")
        shapely.prepare(self._polygon)
        self._starts, self._ends = _edges(self._polygon)

    def signed_distance(self, fix: Fix) -> float:
        """Return metres to the border, negative inside; infinite where the zone has no border (the whole Earth)."""
        distance = self._distance(fix)
        return -distance if self._covers(fix) else distance

    def _covers(self, fix: Fix) -> bool:
        longitudes = {fix.longitude}
        if abs(fix.longitude) == _ANTIMERIDIAN:
            longitudes = {-_ANTIMERIDIAN, _ANTIMERIDIAN}
        if abs(fix.latitude) == _POLE:
            pole = shapely.LineString([(-_ANTIMERIDIAN, fix.latitude), (_ANTIMERIDIAN, fix.latitude)])
            return bool(self._polygon.intersects(pole))
        return any(bool(shapely.intersects_xy(self._polygon, x, fix.latitude)) for x in longitudes)

    def _distance(self, fix: Fix) -> float:
        if not len(self._starts):
            return float("inf")
        here = _ecef(np.array([fix.longitude]), np.array([fix.latitude]))[:, 0]
        steps = np.linspace(0.0, 1.0, _SAMPLES)
        chords = self._chords(here, self._starts, self._ends, steps)
        nearest = np.argsort(chords.min(axis=1))[:_CANDIDATES]
        starts, ends = self._starts[nearest], self._ends[nearest]
        best = steps[chords[nearest].argmin(axis=1)]
        low, high = np.clip(best - 1 / (_SAMPLES - 1), 0, 1), np.clip(best + 1 / (_SAMPLES - 1), 0, 1)
        for _ in range(_REFINEMENTS):
            third = (high - low) / 3
            left, right = low + third, high - third
            closer_left = self._at(here, starts, ends, left) < self._at(here, starts, ends, right)
            high, low = np.where(closer_left, right, high), np.where(closer_left, low, left)
        along = (low + high) / 2
        winner = int(self._at(here, starts, ends, along).argmin())
        x, y = starts[winner] + along[winner] * (ends[winner] - starts[winner])
        return float(Geodesic.WGS84.Inverse(fix.latitude, fix.longitude, y, x)["s12"])

    @staticmethod
    def _chords(here: Floats, starts: Floats, ends: Floats, steps: Floats) -> Floats:
        points = starts[:, None, :] + steps[None, :, None] * (ends - starts)[:, None, :]
        there = _ecef(points[..., 0], points[..., 1])
        squared: Floats = ((there - here[:, None, None]) ** 2).sum(axis=0)
        return squared

    @staticmethod
    def _at(here: Floats, starts: Floats, ends: Floats, along: Floats) -> Floats:
        points = starts + along[:, None] * (ends - starts)
        squared: Floats = ((_ecef(points[:, 0], points[:, 1]) - here[:, None]) ** 2).sum(axis=0)
        return squared


def _edges(polygon: Any) -> tuple[Floats, Floats]:
    starts, ends = [], []
    for part in shapely.get_parts(polygon):
        for ring in (part.exterior, *part.interiors):
            positions = np.asarray(ring.coords)[:, :2]
            starts.append(positions[:-1])
            ends.append(positions[1:])
    start, end = np.concatenate(starts), np.concatenate(ends)
    # An edge along the antimeridian is a cut (RFC 7946 §3.1.9), one along a pole is a point: neither is a border.
    cut = (np.abs(start[:, 0]) == _ANTIMERIDIAN) & (start[:, 0] == end[:, 0])
    pole = (np.abs(start[:, 1]) == _POLE) & (start[:, 1] == end[:, 1])
    border = ~(cut | pole)
    return start[border], end[border]


def _ecef(longitude: Floats, latitude: Floats) -> Floats:
    """Return Earth-centred coordinates: nearness along a chord is nearness on the ellipsoid."""
    eccentricity_squared = _FLATTENING * (2 - _FLATTENING)
    lon, lat = np.radians(longitude), np.radians(latitude)
    normal = _SEMI_MAJOR_M / np.sqrt(1 - eccentricity_squared * np.sin(lat) ** 2)
    return np.stack(
        [
            normal * np.cos(lat) * np.cos(lon),
            normal * np.cos(lat) * np.sin(lon),
            normal * (1 - eccentricity_squared) * np.sin(lat),
        ]
    )
