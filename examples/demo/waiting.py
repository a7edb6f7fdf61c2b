"""Waiting for what other processes do."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")
_PAUSE_S = 0.1


def wait_for(look: Callable[[], T], enough: Callable[[T], bool], seconds: float) -> T:
    """Look again and again until it is enough, or for so many seconds; return what was seen last."""
    until = monotonic() + seconds
    while True:
        seen = look()
        if enough(seen) or monotonic() > until:
            return seen
        sleep(_PAUSE_S)
