"""The server's only clock reads."""

from __future__ import annotations

import time


def now() -> int:
    """Return the present in whole seconds since the epoch."""
    return int(time.time())


def seconds_until(instant: int) -> float:
    """Return how long it is until a full second is reached, to the fraction; negative once it has passed."""
    return instant - time.time()


def monotonic() -> float:
    """Return seconds of a clock that never steps, for durations."""
    return time.monotonic()
