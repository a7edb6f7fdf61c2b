"""A recorded track, played as if the device moved along it now: for demonstrations and tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from device_agent.clock import Clock
from device_agent.errors import LocationError
from device_agent.location.observation import Observation
from device_agent.location.source import LocationSource


class Replay(LocationSource):
    """Plays timed observations at their own pace, from the first read on.

    What is given has no ``gnss_time``: no satellite said it today, and with its own stamps a recording is refused as
    the replay that it is.

    Raises:
        LocationError: ``location.malformed`` for no observations, or some without a time or not in its order.
    """

    def __init__(self, observations: Sequence[Observation], clock: Clock) -> None:
        times = [observation.gnss_time for observation in observations if observation.gnss_time is not None]
        if not times or len(times) < len(observations) or any(later < sooner for sooner, later in pairwise(times)):
            raise LocationError("A track to replay has observations, each with a time, in the order of time.")
        self._offsets = [moment - times[0] for moment in times]
        self._observations = [replace(observation, gnss_time=None) for observation in observations]
        self._clock = clock
        self._begun: float | None = None
        self._next = 0

    def read(self) -> Observation | None:
        """Return the newest observation that is due, each only once."""
        now = self._clock.boottime()
        if self._begun is None:
            self._begun = now
        newest = None
        while self._next < len(self._offsets) and self._offsets[self._next] <= now - self._begun:
            newest = self._observations[self._next]
            self._next += 1
        return newest
