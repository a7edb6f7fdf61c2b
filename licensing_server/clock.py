"""The server's only clock reads."""

from __future__ import annotations

import time


def now() -> int:
    """Return the present in whole seconds since the epoch."""
    return int(time.time())


def monotonic() -> float:
    """Return seconds of a clock that never steps, for durations."""
    return time.monotonic()
