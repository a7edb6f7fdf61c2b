"""The positions of one source, each held against those before it."""

from __future__ import annotations

from typing import Final

from device_agent.location import motion, stamps
from device_agent.location.agreement import FRESH_S
from device_agent.location.implausible import Implausible
from device_agent.location.observation import Observation
from device_agent.location.plausibility import Sighting
from device_agent.location.repetition import Repetition
from licensing_protocol.time_bounds import TimeBounds

# A source that was wrong about the time once must not be refused for ever when it is right again.
_STAMP_LASTS_S: Final = 600.0


class Track:
    """``last`` is the newest plausible sighting. One thread at a time."""

    def __init__(self) -> None:
        self.last: Sighting | None = None
        self._is_heard = False
        self._repetition = Repetition()

    def take(self, sighting: Sighting, bounds: TimeBounds | None, fastest: float) -> Sighting | Implausible | None:
        """Return the sighting where it is plausible, why it is not, or ``None`` where the source has said it before.

        ``bounds`` is the trusted time where there is one; ``fastest`` in metres a second.
        """
        fix = sighting.fix
        if isinstance(fix, Observation):
            if self._is_said_before(fix):
                return None
            problem = self._stamp_problem(fix, sighting.boottime, bounds) or motion.says_too_fast(fix, fastest)
            if problem is not None:
                return problem
        problem = self._movement_problem(sighting, fastest) or self._repetition.take(sighting)
        if problem is not None:
            return problem
        self.last, self._is_heard = sighting, True
        return sighting

    def resume(self, last: Sighting) -> None:
        """Go on from a plausible sighting that another track took, unless this one's is newer."""
        if self.last is None or self.last.boottime < last.boottime:
            self.last, self._is_heard = last, False

    def is_closer(self, other: Sighting) -> bool:
        """Tell whether this source's word is as fresh as another's, smaller in uncertainty, and was heard here."""
        if self.last is None or not self._is_heard or other.boottime - self.last.boottime > FRESH_S:
            return False
        return self.last.fix.uncertainty_m < other.fix.uncertainty_m

    def _is_said_before(self, fix: Observation) -> bool:
        """Tell whether this is no news: giving an old position a new age would keep it for ever."""
        before = self._stamp
        if before is None or fix.gnss_time is None:
            return False
        # A receiver that learns the leap seconds sets its clock back a little.
        return before - stamps.TOLERANCE_S <= fix.gnss_time <= before

    def _stamp_problem(self, fix: Observation, boottime: float, bounds: TimeBounds | None) -> Implausible | None:
        if fix.gnss_time is None:
            return None
        problem = None if bounds is None else stamps.outside(fix.gnss_time, bounds)
        if problem is not None or self.last is None or self._stamp is None:
            return problem
        elapsed = boottime - self.last.boottime
        return None if elapsed > _STAMP_LASTS_S else stamps.out_of_step(fix.gnss_time - self._stamp, elapsed)

    def _movement_problem(self, sighting: Sighting, fastest: float) -> Implausible | None:
        if self.last is None:
            return None
        return motion.too_fast(self.last, sighting, fastest) or motion.contradicts_itself(self.last, sighting)

    @property
    def _stamp(self) -> float | None:
        return self.last.fix.gnss_time if self.last is not None and isinstance(self.last.fix, Observation) else None
