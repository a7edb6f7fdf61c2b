"""Whether satellite time can be the time of now: against trusted time, and against the stamps before. Pure."""

from __future__ import annotations

from device_agent.location.implausible import Implausible, Problem
from licensing_protocol.time_bounds import TimeBounds

# A receiver that has just started may not know the leap seconds yet, and a position may wait before it is read.
TOLERANCE_S = 20.0


def outside(gnss_time: float, bounds: TimeBounds) -> Implausible | None:
    """Hold satellite time (seconds since the epoch) against the trusted interval (protocol §5).

    The wall clock is not asked: whoever owns the device sets it.
    """
    if gnss_time < bounds.lower - TOLERANCE_S:
        return Implausible(Problem.GNSS_TIME, {"behind_s": int(bounds.lower - gnss_time)})
    if bounds.upper is not None and gnss_time > bounds.upper + TOLERANCE_S:
        return Implausible(Problem.GNSS_TIME, {"ahead_s": int(gnss_time - bounds.upper)})
    return None


def out_of_step(stamped: float, elapsed: float) -> Implausible | None:
    """Hold the seconds between two stamps against those that passed on the device."""
    if stamped < elapsed - TOLERANCE_S:
        return Implausible(Problem.REPLAYED, {"late_s": int(elapsed - stamped)})
    if stamped > elapsed + TOLERANCE_S:
        return Implausible(Problem.GNSS_TIME, {"ahead_s": int(stamped - elapsed)})
    return None
