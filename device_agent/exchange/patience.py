"""A request that may stay unanswered for a while, and whose wait can be ended from outside."""

from __future__ import annotations

from collections.abc import Callable


class Patience:
    """``seconds`` for which a server may keep one request beyond what an answer takes."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.ended = False
        self._hang_up: Callable[[], None] | None = None

    def depends_on(self, hang_up: Callable[[], None]) -> None:
        """Take note of how the wait is ended; where it was ended already, that happens now."""
        self._hang_up = hang_up
        if self.ended:
            hang_up()

    def end(self) -> None:
        """End the wait at once, from any thread."""
        # In this order: whoever begins to wait meanwhile looks after having said how it is ended.
        self.ended = True
        if self._hang_up is not None:
            self._hang_up()
