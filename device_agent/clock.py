"""The agent's only clock reads: the wall clock, the time since boot, and which boot it is."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from device_agent.errors import UnsupportedPlatform

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clocks: ``wall`` in seconds since the epoch, ``boottime`` in seconds since start."""

    wall: float
    boottime: float
    boot: str


class Clock(ABC):
    """Port to the machine's clocks, so that tests can set them as an owner of the device can."""

    @abstractmethod
    def read(self) -> Reading:
        """Read all clocks together."""

    def boottime(self) -> float:
        """Return the seconds since start alone: the one reading that every decision makes, so it may be cheaper."""
        return self.read().boottime

    def boottime_reader(self) -> Callable[[], float]:
        """Return what reads :meth:`boottime` most cheaply."""
        return self.boottime


class SystemClock(Clock):
    """The clocks of Linux."""

    def __init__(self) -> None:
        if not sys.platform.startswith("linux") or not hasattr(time, "CLOCK_BOOTTIME"):
            raise UnsupportedPlatform("The agent keeps time by Linux's CLOCK_BOOTTIME, which this system lacks.")
        try:
            self._boot = _BOOT_ID.read_text("ascii").strip()
        except OSError as error:
            raise UnsupportedPlatform(
                "The agent tells starts apart by the kernel's boot id, which is not there."
            ) from error

    def read(self) -> Reading:
        """Read all clocks together."""
        return Reading(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), self._boot)

    def boottime(self) -> float:
        """Return the seconds since start alone."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def boottime_reader(self) -> Callable[[], float]:
        """Return what reads :meth:`boottime` most cheaply: the call into C itself."""
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)


def monotonic() -> float:
    """Return seconds of a clock that never steps, for how long an exchange may take; it tells no time."""
    return time.monotonic()
