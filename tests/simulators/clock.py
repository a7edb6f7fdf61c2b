"""A machine's clocks, which a test sets as the owner of a device can."""

from __future__ import annotations

from dataclasses import replace

from device_agent.clock import Clock, Reading, SystemClock


class ShiftedClock(Clock):
    """The machine's clocks, the wall set shortly after ``since``: the time of a test's documents."""

    def __init__(self, since: float = 1_800_000_000.0) -> None:
        self._system = SystemClock()
        self._shift = since + 1000.0 - self._system.read().boottime

    def read(self) -> Reading:
        """Read all clocks together."""
        reading = self._system.read()
        return Reading(reading.boottime + self._shift, reading.boottime, reading.boot)


class SettableClock(Clock):
    """Runs only when it is told to."""

    def __init__(self, wall: float = 1_800_000_000.0, boottime: float = 100.0, boot: str = "boot-1") -> None:
        self._reading = Reading(wall, boottime, boot)
        self._boots = 1

    def read(self) -> Reading:
        """Read all clocks together."""
        return self._reading

    def pass_time(self, seconds: float) -> Reading:
        """Let time pass, as all clocks see it."""
        now = self._reading
        self._reading = replace(now, wall=now.wall + seconds, boottime=now.boottime + seconds)
        return self._reading

    def jump(self, seconds: float) -> Reading:
        """Set the wall clock forward or back."""
        self._reading = replace(self._reading, wall=self._reading.wall + seconds)
        return self._reading

    def set_back(self, seconds: float) -> Reading:
        """Set back the time since start within one boot, as a time namespace or a restored checkpoint does."""
        self._reading = replace(self._reading, boottime=self._reading.boottime - seconds)
        return self._reading

    def reboot(self, seconds: float = 0.0, *, wall: float | None = None, boottime: float = 0.0) -> Reading:
        """Start anew after ``seconds`` without power; ``wall`` is what the wall clock then shows, if not the truth."""
        self._boots += 1
        shown = self._reading.wall + seconds if wall is None else wall
        self._reading = Reading(shown, boottime, f"boot-{self._boots}")
        return self._reading
