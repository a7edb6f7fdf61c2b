"""Honest drives for Hypothesis: a body with a bounded acceleration, and receivers within their stated errors."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, cos, degrees, hypot, pi, sin

from geographiclib.geodesic import Geodesic
from hypothesis import strategies as st

from device_agent.location import Observation

NOON = 1_772_366_400.0
FASTEST_MPS = 60.0
_MOST_ACCELERATION_MPS2 = 15.0


@dataclass(frozen=True)
class Moment:
    """The truth at one moment: ``elapsed`` seconds since the drive began, speed over ground north and east."""

    elapsed: float
    latitude: float
    longitude: float
    north_mps: float
    east_mps: float

    @property
    def speed_mps(self) -> float:
        """How fast it is."""
        return hypot(self.north_mps, self.east_mps)

    @property
    def course_deg(self) -> float:
        """Where it is heading."""
        return degrees(atan2(self.east_mps, self.north_mps)) % 360


def moved(latitude: float, longitude: float, north_m: float, east_m: float) -> tuple[float, float]:
    """Return where a short way leads, on the ellipsoid."""
    line = Geodesic.WGS84.Direct(latitude, longitude, degrees(atan2(east_m, north_m)), hypot(north_m, east_m))
    return line["lat2"], (line["lon2"] + 180) % 360 - 180


def drive(latitude: float, longitude: float, steps: Sequence[tuple[float, float, float]]) -> list[Moment]:
    """Return the moments of a drive: each step lasts some seconds with an acceleration north and east."""
    moments = [Moment(0.0, latitude, longitude, 0.0, 0.0)]
    for seconds, north, east in steps:
        now = moments[-1]
        north_mps, east_mps = now.north_mps + north * seconds, now.east_mps + east * seconds
        if hypot(north_mps, east_mps) > FASTEST_MPS:
            north_mps, east_mps = now.north_mps, now.east_mps
        way = ((now.north_mps + north_mps) / 2 * seconds, (now.east_mps + east_mps) / 2 * seconds)
        latitude, longitude = moved(now.latitude, now.longitude, *way)
        moments.append(Moment(now.elapsed + seconds, latitude, longitude, north_mps, east_mps))
    return moments


@st.composite
def drives(draw: st.DrawFn, length: int = 30) -> list[Moment]:
    """Draw a drive."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    most = draw(st.floats(0, _MOST_ACCELERATION_MPS2)) / 2**0.5
    steps = [
        (chance.uniform(0.2, 2.0), chance.uniform(-most, most), chance.uniform(-most, most)) for _ in range(length)
    ]
    return drive(draw(st.floats(-80, 80)), draw(st.floats(-180, 179)), steps)


@st.composite
def receptions(draw: st.DrawFn, moments: Sequence[Moment]) -> list[tuple[float, Observation]]:
    """Draw what a receiver makes of a drive: each position with the time since start at which it is handed over."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    uncertainty = draw(st.floats(0.5, 50))
    is_stamped, is_moving, is_heading = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    heard: list[tuple[float, Observation]] = []
    handed_over = 0.0
    for moment in moments:
        off, turn = chance.uniform(0, uncertainty), chance.uniform(0, 2 * pi)
        latitude, longitude = moved(moment.latitude, moment.longitude, off * cos(turn), off * sin(turn))
        handed_over = max(handed_over, 100.0 + moment.elapsed + chance.uniform(0, 0.95))
        seen = Observation(
            latitude,
            longitude,
            uncertainty,
            speed_mps=max(0.0, moment.speed_mps + chance.uniform(-2, 2)) if is_moving else None,
            course_deg=(moment.course_deg + chance.uniform(-8, 8)) % 360 if is_heading else None,
            gnss_time=NOON + moment.elapsed if is_stamped else None,
        )
        heard.append((handed_over, seen))
    return heard
