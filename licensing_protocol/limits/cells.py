"""Quick distances from a border: the Earth in cells, each of which remembers what of the border is near it.

An answer is a bracket that the geodesic distance lies in, never a guess; whoever needs it closer measures exactly. A
device that moves asks a few cells again and again, and far from a border one look-up is the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, floor, inf, radians, sin, sqrt
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from licensing_protocol.limits.fix import Fix

Floats: TypeAlias = npt.NDArray[np.float64]
# At a longitude and latitude: for each edge, metres than which none of its points is nearer; and the least of the
# distances of their ends.
Look: TypeAlias = Callable[[float, float], tuple[Floats, float]]

_SEMI_MAJOR_M: Final = 6_378_137.0
_ECCENTRICITY_SQUARED: Final = 0.0066943799901413165
_FINE_DEG: Final = 0.01
_FINE_PER_COARSE: Final = 16
# A degree of latitude, and one of longitude at the equator, is nowhere longer.
_DEGREE_M: Final = 111_700.0
# From so far on, how far is of no interest.
_FAR_M: Final = 20_000.0
# Nearer to the poles and to the antimeridian no plane is good enough.
_HIGHEST_LATITUDE: Final = 80.0
_HIGHEST_LONGITUDE: Final = 175.0
# The difference of a chord from its arc over a thousand kilometres; and rounding, and where the exact search ends.
_ROUNDING: Final = 2e-3
_ROUNDING_M: Final = 0.01
_MOST_CELLS: Final = 4096


@dataclass(frozen=True, slots=True)
class _Cell:
    """Every point of a cell is at least ``least`` metres from the border; closer, ``plane`` tells, if there is one."""

    least: float
    plane: _Plane | None = None


class Cells:
    """``starts`` and ``ends`` (longitude, latitude) of a border's edges, of which ``look`` gives the distances."""

    def __init__(self, starts: Floats, ends: Floats, look: Look) -> None:
        self._starts = starts
        self._ends = ends
        self._look = look
        self._coarse: dict[tuple[int, int], tuple[float, Floats, Floats]] = {}
        self._fine: dict[tuple[int, int], _Cell] = {}

    def bracket(self, fix: Fix, margin: float) -> tuple[float, float]:
        """Return metres from the border, at least and at most; closely only where they may be less than ``margin``."""
        key = floor(fix.longitude / _FINE_DEG), floor(fix.latitude / _FINE_DEG)
        cell = self._fine.get(key)
        if cell is None:
            cell = self._fine_cell(*key)
            if len(self._fine) >= _MOST_CELLS:
                self._fine.clear()
            self._fine[key] = cell
        if cell.least > margin or cell.plane is None:
            return cell.least, inf
        return cell.plane.bracket(fix.longitude, fix.latitude)

    def _fine_cell(self, column: int, row: int) -> _Cell:
        least, starts, ends = self._near(column // _FINE_PER_COARSE, row // _FINE_PER_COARSE)
        longitude, latitude, radius = _middle(column, row, _FINE_DEG)
        if least > _FAR_M or abs(longitude) > _HIGHEST_LONGITUDE or abs(latitude) > _HIGHEST_LATITUDE:
            return _Cell(max(0.0, least))
        wide = _Plane(longitude, latitude, starts, ends, _FAR_M)
        nearest, farthest = wide.bracket(longitude, latitude)
        # What is nearest to a point of the cell is at most twice its radius farther from the middle than the nearest.
        reach = 1.2 * (farthest + 2 * radius)
        if reach > _FAR_M:
            return _Cell(max(0.0, min(nearest, wide.reach_m) - radius))
        near = wide.distances(longitude, latitude) <= reach
        return _Cell(max(0.0, nearest - radius), _Plane(longitude, latitude, starts[near], ends[near], reach + radius))

    def _near(self, column: int, row: int) -> tuple[float, Floats, Floats]:
        """Return how near the border is to a coarse cell at least, and what edges can be nearest to a point of it."""
        found = self._coarse.get((column, row))
        if found is None:
            longitude, latitude, radius = _middle(column, row, _FINE_DEG * _FINE_PER_COARSE)
            distances, nearest_end = self._look(longitude, latitude)
            close = distances <= nearest_end * (1 + _ROUNDING) + 2 * radius
            found = float(distances.min()) - radius, self._starts[close], self._ends[close]
            if len(self._coarse) >= _MOST_CELLS:
                self._coarse.clear()
            self._coarse[column, row] = found
        return found


class _Plane:
    """Edges on a plane that touches the Earth in one point, where lengths are right up to ``reach_m`` from it.

    Edges are straight on it, as they are in longitude and latitude. Only the length of a degree changes with latitude:
    by so much may a distance come out wrong.
    """

    __slots__ = (
        "_east",
        "_error",
        "_latitude",
        "_longitude",
        "_north",
        "_squares",
        "_way_x",
        "_way_y",
        "_x",
        "_y",
        "reach_m",
    )

    def __init__(self, longitude: float, latitude: float, starts: Floats, ends: Floats, reach_m: float) -> None:
        self._longitude, self._latitude = longitude, latitude
        self._east, self._north = _degree(latitude)
        span = 1.1 * reach_m / self._north
        changed = [_degree(latitude + span), _degree(latitude - span)]
        self._error = 1.01 * max(max(abs(x / self._east - 1), abs(y / self._north - 1)) for x, y in changed) + 1e-6
        # Whatever lies farther away on the plane is at least so far away.
        self.reach_m = reach_m * (1 - self._error)
        self._x, self._y = self._on_plane(starts)
        end_x, end_y = self._on_plane(ends)
        self._way_x, self._way_y = end_x - self._x, end_y - self._y
        self._squares = np.maximum(self._way_x**2 + self._way_y**2, 1e-12)

    def bracket(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return metres to the nearest edge, at least and at most."""
        distance = float(self.distances(longitude, latitude).min())
        return distance * (1 - self._error) - _ROUNDING_M, distance * (1 + self._error) + _ROUNDING_M

    def distances(self, longitude: float, latitude: float) -> Floats:
        """Return metres on the plane to each edge."""
        x = self._x - (longitude - self._longitude) * self._east
        y = self._y - (latitude - self._latitude) * self._north
        along = np.clip(-(x * self._way_x + y * self._way_y) / self._squares, 0.0, 1.0)
        distances: Floats = np.hypot(x + along * self._way_x, y + along * self._way_y)
        return distances

    def _on_plane(self, positions: Floats) -> tuple[Floats, Floats]:
        x = (positions[:, 0] - self._longitude) * self._east
        y = (positions[:, 1] - self._latitude) * self._north
        return x, y


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
