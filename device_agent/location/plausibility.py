"""How fast the device must have moved to be where it is said to be (protocol §3 ``platform``).

Pure, and never unfair: distance and time are both rounded in the device's favour, so that a speed which is over the
limit here was over it in truth, or the receiver is wrong about its own uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from device_agent.location.ground import SPHERE_ERROR, distance_m
from licensing_protocol.limits import Fix

# A position is dated when it is handed over, not when the receiver took it.
DATING_ERROR_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """A position and when it was taken: ``boottime`` in seconds since this start of the device."""

    fix: Fix
    boottime: float


def implied_speed(before: Sighting, after: Sighting) -> float:
    """Return the least speed (metres a second) that leads from one sighting to the next.

    Zero where both positions may be one place within their uncertainties.
    """
    distance = distance_m(before.fix, after.fix) * (1 - SPHERE_ERROR)
    least = max(0.0, distance - before.fix.uncertainty_m - after.fix.uncertainty_m)
    return least / (max(0.0, after.boottime - before.boottime) + DATING_ERROR_S)
