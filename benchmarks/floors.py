"""The least that a thing can cost: each floor is a few lines that anyone can judge."""

from __future__ import annotations

import time
from typing import Any


class DecisionFloor:
    """What any decision at run time must do: take the call, read the clock that sleep does not stop, look it up."""

    def __init__(self, answers: dict[str, object]) -> None:
        self._answers = answers

    def use(
        self, capability: str, /, *, authority: str | None = None, operators: tuple[str, ...] = (), **parameters: Any
    ) -> object:
        """Answer as quickly as Python can."""
        return self._answers[capability] if time.clock_gettime(time.CLOCK_BOOTTIME) else None
