"""Whether two sources can both be right. Pure.

This, and that a position ends at ``max_age``, is all that stands against a slow drag-off: a forger who moves the sky
over a receiver gently, with speed and course to match, contradicts nothing that this one receiver says.
"""

from __future__ import annotations

from typing import Final

from device_agent.location.ground import SPHERE_ERROR, distance_m
from device_agent.location.implausible import Implausible, Problem
from device_agent.location.plausibility import DATING_ERROR_S, Sighting

# How long a source's word can be held against another's.
FRESH_S: Final = 10.0
# Of positions outside their 95 % circle there is one in a minute; outside twice that circle, none in a year.
_DOUBT: Final = 2.0
# Where no grant states how fast the device can be: the speed of sound.
_UNSTATED_MPS: Final = 340.0


def disagreement(one: Sighting, other: Sighting, fastest: float) -> Implausible | None:
    """Hold two sources' positions against both their uncertainties, and the way between the two moments."""
    apart = distance_m(one.fix, other.fix) * (1 - SPHERE_ERROR)
    elapsed = abs(one.boottime - other.boottime) + DATING_ERROR_S
    allowed = _DOUBT * (one.fix.uncertainty_m + other.fix.uncertainty_m) + min(fastest, _UNSTATED_MPS) * elapsed
    if apart <= allowed:
        return None
    return Implausible(Problem.DISAGREEMENT, {"apart_m": int(apart), "allowed_m": int(allowed)})
