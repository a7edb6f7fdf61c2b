"""Whether a movement is one that the device can have made, and the one that its receiver reports. Pure.

A thing whose speed changes by at most ``a`` metres a second in each second comes, in ``t`` seconds, at most ``a·t²/2``
metres away from where its present speed would have taken it. A receiver whose positions are forged and whose speed
(by Doppler shift) is not, or the other way round, breaks that.
"""

from __future__ import annotations

from math import cos, hypot, inf, radians, sin
from typing import Final

from device_agent.location.ground import distance_m, way_m
from device_agent.location.implausible import Implausible, Problem
from device_agent.location.observation import Observation
from device_agent.location.plausibility import DATING_ERROR_S, Sighting, implied_speed

# Two g: more than vehicles, ships and camera drones reach.
MOST_ACCELERATION_MPS2: Final = 20.0
# How far a reported speed may be off, how a course may be, and from which speed on a course means anything.
SPEED_ERROR_MPS: Final = 3.0
COURSE_ERROR: Final = 0.2
SLOWEST_WITH_COURSE_MPS: Final = 5.0
_STAMP_ERROR_S: Final = 0.1
# After longer, speed may have changed too much to say anything; and nearer to a pole a course soon means another way.
_LONGEST_S: Final = 10.0
_HIGHEST_LATITUDE: Final = 85.0
# Of the sphere and of the plane together, for so short a way.
_GEOMETRY_ERROR: Final = 0.01


def too_fast(before: Sighting, after: Sighting, fastest: float) -> Implausible | None:
    """Hold the least speed between two sightings against the platform's ``fastest`` (metres a second)."""
    speed = implied_speed(before, after)
    if speed <= fastest:
        return None
    return Implausible(Problem.IMPLIED_SPEED, {"implied_mps": int(speed), "limit_mps": int(fastest)})


def says_too_fast(seen: Observation, fastest: float) -> Implausible | None:
    """Hold the speed that the receiver itself reports against the platform's ``fastest`` (metres a second)."""
    if seen.speed_mps is None or seen.speed_mps - SPEED_ERROR_MPS <= fastest:
        return None
    return Implausible(Problem.REPORTED_SPEED, {"reported_mps": int(seen.speed_mps), "limit_mps": int(fastest)})


def contradicts_itself(before: Sighting, after: Sighting) -> Implausible | None:
    """Hold the way between two sightings against the speed and course that the later one reports."""
    seen = after.fix
    if not isinstance(seen, Observation) or seen.speed_mps is None:
        return None
    elapsed, error = _elapsed(before, after)
    if not 0 <= elapsed <= _LONGEST_S:
        return None
    way = distance_m(before.fix, seen)
    expected = seen.speed_mps * elapsed
    slack = (
        before.fix.uncertainty_m
        + seen.uncertainty_m
        + MOST_ACCELERATION_MPS2 * (elapsed + error) ** 2 / 2
        + SPEED_ERROR_MPS * elapsed
        + seen.speed_mps * error
        + _GEOMETRY_ERROR * way
    )
    figures = {"reported_mps": int(seen.speed_mps), "way_m": int(way), "elapsed_s": int(elapsed)}
    if abs(way - expected) > slack:
        return Implausible(Problem.REPORTED_SPEED, figures)
    if _beside(before, seen, expected) > slack + COURSE_ERROR * expected:
        return Implausible(Problem.REPORTED_COURSE, figures)
    return None


def _beside(before: Sighting, seen: Observation, expected: float) -> float:
    """Return how far the position is from where the reported course would have led; zero where there is none."""
    if seen.course_deg is None or (seen.speed_mps or 0) < SLOWEST_WITH_COURSE_MPS:
        return 0.0
    if max(abs(before.fix.latitude), abs(seen.latitude)) > _HIGHEST_LATITUDE:
        return 0.0
    north, east = way_m(before.fix, seen)
    course = radians(seen.course_deg)
    return hypot(north - expected * cos(course), east - expected * sin(course))


def _elapsed(before: Sighting, after: Sighting) -> tuple[float, float]:
    """Return the seconds between two sightings and how far they may be off: satellites date more closely than we."""
    stamps = [sighting.fix.gnss_time for sighting in (before, after) if isinstance(sighting.fix, Observation)]
    if len(stamps) == 2 and stamps[0] is not None and stamps[1] is not None:
        return stamps[1] - stamps[0], _STAMP_ERROR_S
    elapsed = after.boottime - before.boottime
    return (elapsed, DATING_ERROR_S) if elapsed >= 0 else (inf, 0.0)
