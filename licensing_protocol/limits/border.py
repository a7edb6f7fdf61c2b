"""Where a point lies against the border of one zone: inside or not, and how far from it in metres (WGS 84).

Imported only where an area limit is compiled: it needs Shapely, NumPy and geographiclib.
"""

from __future__ import annotations

from itertools import pairwise
from math import copysign, inf
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from geographiclib.geodesic import Geodesic
from shapely.geometry import shape

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.limits.cells import Cells
from licensing_protocol.limits.fix import Fix

_FLATTENING = 1 / 298.257223563
_SEMI_MAJOR_M = 6_378_137.0
_LONGEST_PIECE = 16.0
# A piece of at most 16 degrees each way is less than a hundredth longer than the chord between its ends.
_ARC_PER_CHORD = 1.05
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

    def beyond(self, fix: Fix, margin: float) -> int:
        """Return 0 within ``margin`` metres of the border; beyond that -1 inside and 1 outside."""
        return _beyond(self.signed_distance(fix), margin)


class PolygonBorder:
    """A (multi)polygon whose edges are straight in longitude and latitude (RFC 7946 §3.1.1)."""

    def __init__(self, geometry: JsonObject) -> None:
        self._polygon: Any = shape(geometry)
        if not self._polygon.is_valid:
            reason = shapely.is_valid_reason(self._polygon)
            raise MalformedDocument(f"The zone's border is not a border: {reason}.", code="zone.geometry")
        shapely.prepare(self._polygon)
        self._starts, self._ends = _pieces(*_edges(self._polygon))
        self._from, self._to = _ecef(self._starts), _ecef(self._ends)
        self._half_lengths = _ARC_PER_CHORD / 2 * _apart(self._from, self._to)
        self._cells = Cells(self._starts, self._ends, self._look, self._side) if len(self._starts) else None

    def signed_distance(self, fix: Fix) -> float:
        """Return metres to the border, negative inside; infinite where the zone has no border (the whole Earth)."""
        distance = self._distance(fix)
        return self._side(fix.longitude, fix.latitude) * distance

    def beyond(self, fix: Fix, margin: float) -> int:
        """As :meth:`signed_distance` against ``margin``, but measured only where the cells do not settle it.

        Return 0 within ``margin`` metres of the border; beyond that -1 inside and 1 outside.
        """
        longitude, latitude = fix.longitude, fix.latitude
        if self._cells is None:
            return self._side(longitude, latitude)
        cell = self._cells.at(longitude, latitude)
        least, most = cell.least, cell.most
        if least <= margin < most:
            least, most = cell.bracket(longitude, latitude)
        if most <= margin:
            return 0
        if least <= margin:
            return _beyond(self.signed_distance(fix), margin)
        return cell.side or self._side(longitude, latitude)

    def _side(self, longitude: float, latitude: float) -> int:
        return -1 if self._covers(longitude, latitude) else 1

    def _covers(self, longitude: float, latitude: float) -> bool:
        if abs(longitude) > _ANTIMERIDIAN:
            # The middle of a cell may lie beyond it.
            longitude -= copysign(2 * _ANTIMERIDIAN, longitude)
        if abs(latitude) == _POLE:
            pole = shapely.LineString([(-_ANTIMERIDIAN, latitude), (_ANTIMERIDIAN, latitude)])
            return bool(self._polygon.intersects(pole))
        if abs(longitude) == _ANTIMERIDIAN:
            return any(shapely.intersects_xy(self._polygon, x, latitude) for x in (-_ANTIMERIDIAN, _ANTIMERIDIAN))
        return bool(shapely.intersects_xy(self._polygon, longitude, latitude))

    def _distance(self, fix: Fix) -> float:
        if not len(self._starts):
            return inf
        distances, nearest_end = self._look(fix.longitude, fix.latitude)
        close = distances <= nearest_end
        here = _ecef(np.array([[fix.longitude, fix.latitude]]))
        x, y = _nearest(here, self._starts[close], self._ends[close])
        return float(Geodesic.WGS84.Inverse(fix.latitude, fix.longitude, y, x)["s12"])

    def _look(self, longitude: float, latitude: float) -> tuple[Floats, float]:
        """Return for each piece metres than which no point of it is nearer, and how near the nearest end of any is."""
        here = _ecef(np.array([[longitude, latitude]]))
        nearer_end = np.minimum(_apart(self._from, here), _apart(self._to, here))
        # Of a piece no point is nearer than its nearer end less half its length.
        return nearer_end - self._half_lengths, float(nearer_end.min())


def _beyond(signed_distance: float, margin: float) -> int:
    if abs(signed_distance) <= margin:
        return 0
    return -1 if signed_distance < 0 else 1


def _nearest(here: Floats, starts: Floats, ends: Floats) -> tuple[float, float]:
    """Return longitude and latitude of the point on any of the pieces that is nearest to ``here``."""

    def distances(along: Floats) -> Floats:
        return _apart(_ecef(starts + along[:, None] * (ends - starts)), here)

    low, high = np.zeros(len(starts)), np.ones(len(starts))
    for _ in range(_REFINEMENTS):
        third = (high - low) / 3
        left, right = low + third, high - third
        closer_left = distances(left) < distances(right)
        high, low = np.where(closer_left, right, high), np.where(closer_left, low, left)
    # Seen from the far side of the Earth the middle of a piece is farthest: the ends are looked at as well.
    tries = (np.zeros(len(starts)), (low + high) / 2, np.ones(len(starts)))
    found = [distances(along) for along in tries]
    which = int(np.argmin([distance.min() for distance in found]))
    winner = int(found[which].argmin())
    x, y = starts[winner] + tries[which][winner] * (ends[winner] - starts[winner])
    return float(x), float(y)


def _edges(polygon: Any) -> tuple[Floats, Floats]:
    starts, ends = [], []
    for part in shapely.get_parts(polygon):
        for ring in (part.exterior, *part.interiors):
            positions = np.asarray(ring.coords)[:, :2]
            starts.append(positions[:-1])
            ends.append(positions[1:])
    start, end = np.concatenate(starts), np.concatenate(ends)
    at_seam = (np.abs(start[:, 0]) == _ANTIMERIDIAN) & (start[:, 0] == end[:, 0])
    # An edge along a pole is a point.
    at_pole = (np.abs(start[:, 1]) == _POLE) & (start[:, 1] == end[:, 1])
    inner = ~(at_seam | at_pole)
    seam_start, seam_end = _uncut(start[at_seam], end[at_seam])
    return np.concatenate([start[inner], seam_start]), np.concatenate([end[inner], seam_end])


def _uncut(starts: Floats, ends: Floats) -> tuple[Floats, Floats]:
    """Return what is border of the edges along the antimeridian: one with the zone on its other side is only a cut."""
    spans = np.stack([starts[:, 1], ends[:, 1]], axis=1)
    lines = shapely.linestrings(np.stack([np.zeros_like(spans), spans], axis=2))
    east = starts[:, 0] > 0
    one_sided = shapely.symmetric_difference(shapely.union_all(lines[east]), shapely.union_all(lines[~east]))
    left = [np.asarray(line.coords)[:, 1] for line in shapely.get_parts(one_sided)]
    latitudes = np.array([pair for line in left for pair in pairwise(line)]).reshape(-1, 2)
    longitudes = np.full(len(latitudes), _ANTIMERIDIAN)
    return np.stack([longitudes, latitudes[:, 0]], axis=1), np.stack([longitudes, latitudes[:, 1]], axis=1)


def _pieces(starts: Floats, ends: Floats) -> tuple[Floats, Floats]:
    """Cut edges into pieces so short that a chord says how long each is."""
    spans = np.abs(ends - starts)
    counts = np.maximum(np.ceil(spans.max(axis=1, initial=0.0) / _LONGEST_PIECE), 1).astype(int)
    edge = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(len(edge)) - (np.cumsum(counts) - counts)[edge]
    begin, end = ((number + offset) / counts[edge] for offset in (0, 1))
    way = (ends - starts)[edge]
    return starts[edge] + begin[:, None] * way, starts[edge] + end[:, None] * way


def _apart(points: Floats, others: Floats) -> Floats:
    """Return metres straight through the Earth between points of Earth-centred coordinates."""
    distances: Floats = np.sqrt(((points - others) ** 2).sum(axis=0))
    return distances


def _ecef(positions: Floats) -> Floats:
    """Return Earth-centred coordinates, one column each: nearness along a chord is nearness on the ellipsoid."""
    eccentricity_squared = _FLATTENING * (2 - _FLATTENING)
    lon, lat = np.radians(positions[:, 0]), np.radians(positions[:, 1])
    normal = _SEMI_MAJOR_M / np.sqrt(1 - eccentricity_squared * np.sin(lat) ** 2)
    return np.stack(
        [
            normal * np.cos(lat) * np.cos(lon),
            normal * np.cos(lat) * np.sin(lon),
            normal * (1 - eccentricity_squared) * np.sin(lat),
        ]
    )
