"""Quick distances from a border: the Earth in cells, each of which remembers what of the border is near it.

An answer is a bracket that the geodesic distance lies in, never a guess; whoever needs it closer measures exactly. Of
most cells one look-up says on which side of the border all of it lies, and between what distances; a cell that is new
costs a few steps over the edges near its region, and a region that is new a look over all edges.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, expm1, floor, inf, radians, sin, sqrt, tan
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
# At a longitude and latitude: for each edge, metres than which none of its points is nearer; and the least of the
# distances of their ends.
Look: TypeAlias = Callable[[float, float], tuple[Floats, float]]
# At a longitude and latitude: -1 inside, 1 outside.
Side: TypeAlias = Callable[[float, float], int]

_SEMI_MAJOR_M: Final = 6_378_137.0
_ECCENTRICITY_SQUARED: Final = 0.0066943799901413165
_CELL_DEG: Final = 0.01
_CELLS_PER_REGION: Final = 16
# A degree of latitude, and one of longitude at the equator, is nowhere longer; a radian of latitude nowhere shorter.
_DEGREE_M: Final = 111_700.0
_RADIAN_M: Final = 6_335_000.0
# From so far on, how far is of no interest.
_FAR_M: Final = 20_000.0
# More degrees of latitude than anything within that distance of a region can be away from it.
_FAR_DEG: Final = 0.3
# Nearer to the poles no plane is good enough.
_HIGHEST_LATITUDE: Final = 85.0
# By how much of itself a degree of latitude changes over a radian of latitude at most; a degree of longitude changes
# by the tangent of the latitude.
_LATITUDE_CHANGE: Final = 0.0102
# The difference of a chord from its arc over a thousand kilometres; and rounding, and where the exact search ends.
_ROUNDING: Final = 2e-3
_ROUNDING_M: Final = 0.01
_SMALLEST_SQUARE: Final = 1e-12
_SMALLEST_ERROR: Final = 1e-6
_MOST_CELLS: Final = 4096


class Cell:
    """Of every point of it the border is at least ``least`` and at most ``most`` metres away.

    ``side`` is -1 where all of it is inside, 1 where all is outside, 0 where it has to be asked for each point;
    ``plane`` tells distances closer, if there is one.
    """

    __slots__ = ("least", "most", "plane", "side")

    def __init__(self, least: float, most: float = inf, side: int = 0, plane: _Plane | None = None) -> None:
        self.least, self.most, self.side, self.plane = least, most, side, plane

    def bracket(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return metres from the border of a point of this cell, at least and at most."""
        return (self.least, self.most) if self.plane is None else self.plane.bracket(longitude, latitude)


class Cells:
    """``starts`` and ``ends`` (longitude, latitude) of a border's edges, of which ``look`` gives the distances."""

    def __init__(self, starts: Floats, ends: Floats, look: Look, side: Side) -> None:
        self._starts = starts
        self._ends = ends
        self._look = look
        self._side = side
        self._regions: dict[tuple[int, int], Cell | _Region] = {}
        self._cells: dict[tuple[int, int], Cell] = {}

    def at(self, longitude: float, latitude: float) -> Cell:
        """Return the cell of a point."""
        key = floor(longitude / _CELL_DEG), floor(latitude / _CELL_DEG)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._new_cell(*key)
            _make_room(self._cells)
            self._cells[key] = cell
        return cell

    def _new_cell(self, column: int, row: int) -> Cell:
        key = column // _CELLS_PER_REGION, row // _CELLS_PER_REGION
        region = self._regions.get(key)
        if region is None:
            region = self._new_region(*key)
            _make_room(self._regions)
            self._regions[key] = region
        if isinstance(region, Cell):
            return region
        return region.cell(*_middle(column, row, _CELL_DEG), self._side)

    def _new_region(self, column: int, row: int) -> Cell | _Region:
        """Return the edges near a region; one cell for all of it where none is, or no plane is good enough."""
        longitude, latitude, radius = _middle(column, row, _CELL_DEG * _CELLS_PER_REGION)
        distances, nearest_end = self._look(longitude, latitude)
        least = max(0.0, float(distances.min()) - radius)
        if abs(latitude) > _HIGHEST_LATITUDE:
            return Cell(least)
        if least > _FAR_M:
            return Cell(least, side=self._side(longitude, latitude))
        # What is nearest to a point of the region is one of these.
        close = distances <= nearest_end * (1 + _ROUNDING) + 2 * radius
        return _Region(longitude, latitude, self._starts[close], self._ends[close])


class _Region:
    """Cells next to each other, and the edges that can be nearest to one of their points."""

    def __init__(self, longitude: float, latitude: float, starts: Floats, ends: Floats) -> None:
        self._x, self._y = np.ascontiguousarray(starts.T)
        # Across the antimeridian longitudes go on.
        self._x = longitude + (self._x - longitude + 180) % 360 - 180
        self._way_x, self._way_y = np.ascontiguousarray((ends - starts).T)
        farthest = 2 * _FAR_M
        steepest = max(tan(radians(abs(latitude) + _FAR_DEG)), _LATITUDE_CHANGE) / _RADIAN_M
        # Convex: nearer, it is less than its share of this.
        self._error_per_m = 1.01 * expm1(1.1 * steepest * farthest) / farthest

    def cell(self, longitude: float, latitude: float, radius: float, side: Side) -> Cell:
        """Return the cell around a point."""
        east, north = _degree(latitude)
        x, y = (self._x - longitude) * east, (self._y - latitude) * north
        edges = _Edges(x, y, self._way_x * east, self._way_y * north)
        distances = edges.distances(0.0, 0.0)
        nearest = float(distances.min())
        whole = _Plane(longitude, latitude, (east, north), radius, self._error_per_m, edges)
        least, most = whole.around(nearest)
        least, most = max(0.0, least - radius), most + radius
        # What is nearest to a point of the cell is at most twice its radius farther from the middle than the nearest.
        near = edges.only(distances <= nearest + 2 * radius)
        plane = _Plane(longitude, latitude, (east, north), radius, self._error_per_m, near)
        return Cell(least, most, side(longitude, latitude) if least > 0 else 0, plane)


class _Edges:
    """Edges on a plane, in metres."""

    __slots__ = ("_part_x", "_part_y", "_way_x", "_way_y", "_x", "_y")

    def __init__(self, x: Floats, y: Floats, way_x: Floats, way_y: Floats) -> None:
        self._x, self._y, self._way_x, self._way_y = x, y, way_x, way_y
        squares = np.maximum(way_x * way_x + way_y * way_y, _SMALLEST_SQUARE)
        self._part_x, self._part_y = way_x / squares, way_y / squares

    def distances(self, x: float, y: float) -> Floats:
        """Return metres from a point to each edge."""
        x_away, y_away = x - self._x, y - self._y
        along = np.minimum(np.maximum(x_away * self._part_x + y_away * self._part_y, 0.0), 1.0)
        distances: Floats = np.hypot(x_away - along * self._way_x, y_away - along * self._way_y)
        return distances

    def only(self, which: npt.NDArray[np.bool_]) -> _Edges:
        """Return some of them."""
        return _Edges(self._x[which], self._y[which], self._way_x[which], self._way_y[which])


class _Plane:
    """Edges on a plane that touches the Earth in one point, asked for points up to ``radius`` metres from there.

    Edges are straight on it, as they are in longitude and latitude. Only the length of a degree changes with latitude:
    for everything within so many metres of the point, by ``error_per_m`` of itself for each of them at most.
    """

    __slots__ = ("_east", "_edges", "_error_per_m", "_latitude", "_longitude", "_north", "_radius")

    def __init__(
        self,
        longitude: float,
        latitude: float,
        degree: tuple[float, float],
        radius: float,
        error_per_m: float,
        edges: _Edges,
    ) -> None:
        self._longitude, self._latitude, self._radius = longitude, latitude, radius
        self._east, self._north = degree
        self._error_per_m = error_per_m
        self._edges = edges

    def bracket(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return metres to the nearest edge, at least and at most."""
        x, y = (longitude - self._longitude) * self._east, (latitude - self._latitude) * self._north
        return self.around(float(self._edges.distances(x, y).min()))

    def around(self, distance: float) -> tuple[float, float]:
        """Return what a distance on the plane is on the Earth, at least and at most."""
        reached = min(distance, _FAR_M)
        error = self._error_per_m * (reached + self._radius) + _SMALLEST_ERROR
        least = reached * (1 - error) - _ROUNDING_M
        return least, distance * (1 + error) + _ROUNDING_M if distance <= _FAR_M else inf


def _make_room(cells: dict[tuple[int, int], Any]) -> None:
    if len(cells) >= _MOST_CELLS:
        cells.clear()


def _middle(column: int, row: int, size: float) -> tuple[float, float, float]:
    """Return longitude and latitude of a cell's middle, and how far at most its points are from there in metres."""
    longitude, latitude = (column + 0.5) * size, (row + 0.5) * size
    widest = cos(radians(max(0.0, abs(latitude) - size / 2)))
    return longitude, latitude, size / 2 * _DEGREE_M * sqrt(1 + widest**2) + 1


def _degree(latitude: float) -> tuple[float, float]:
    """Return how many metres a degree of longitude and one of latitude are at a latitude, on WGS 84."""
    phi = radians(latitude)
    bulge = 1 - _ECCENTRICITY_SQUARED * sin(phi) ** 2
    prime_vertical = _SEMI_MAJOR_M / sqrt(bulge)
    meridian = prime_vertical * (1 - _ECCENTRICITY_SQUARED) / bulge
    return radians(1) * prime_vertical * cos(phi), radians(1) * meridian
