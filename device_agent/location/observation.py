"""A position together with what else the receiver said at that moment."""

from __future__ import annotations

from dataclasses import dataclass

from licensing_protocol.limits import Fix

_FASTEST_MPS = 100_000.0
_LATEST_S = float(2**53)


# No slots: a dataclass with slots is made anew, and `super()` inside it would still mean the first one.
@dataclass(frozen=True)
class Observation(Fix):
    """A fix of which more is known; what is not known is ``None``.

    ``speed_mps`` in metres a second over ground, ``course_deg`` in degrees clockwise from true north, ``gnss_time`` in
    seconds since the epoch (UTC) as the satellites tell it, ``source`` names the receiver in at most 100 printable
    characters.
    """

    speed_mps: float | None = None
    course_deg: float | None = None
    gnss_time: float | None = None
    source: str = ""

    @property
    def in_range(self) -> bool:
        """Whether every number that is there is one that the world can have; NaN is none."""
        extras = ((self.speed_mps, _FASTEST_MPS), (self.course_deg, 360.0), (self.gnss_time, _LATEST_S))
        return super().in_range and all(value is None or 0 <= value <= most for value, most in extras)
