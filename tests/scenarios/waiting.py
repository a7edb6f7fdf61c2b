"""Waiting for what comes by itself, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 30.0
_PAUSE_S = 0.1


def until(look: Callable[[], T], holds: Callable[[T], bool] = bool) -> T:
    """Look again and again until what is seen ``holds``, and return it; fail with the last sight after 30 s."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        seen = look()
        if holds(seen):
            return seen
        assert time.monotonic() < deadline, f"This did not come: the last look showed {seen!r}."
        time.sleep(_PAUSE_S)
