"""Counts of uses and denials that are still in memory, on their way to the store.

Counting a use takes one call and no lock; the counts are taken out by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count


class Counter:
    """Counts calls of :attr:`tick` from any thread: one step of a C iterator cannot be interleaved."""

    def __init__(self) -> None:
        numbers = count()
        self.tick: Callable[[], int] = numbers.__next__
        self._looks = 0
        self._taken = 0

    def take(self) -> int:
        """Return how many ticks came since the last take. Only one thread may take."""
        # Looking is a step too, so the number found is the ticks and the looks before this one.
        ticks = self.tick() - self._looks
        self._looks += 1
        fresh = ticks - self._taken
        self._taken = ticks
        return fresh


class Tally:
    """A counter for each capability. What could not be written stays until it can."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._waiting: dict[str, int] = {}

    def counter(self, capability: str) -> Counter:
        """Return the counter of one capability."""
        return self._counters.setdefault(capability, Counter())

    def pending(self) -> dict[str, int]:
        """Return the counts that :meth:`written` has not confirmed yet."""
        for capability, counter in list(self._counters.items()):
            fresh = counter.take()
            if fresh:
                self._waiting[capability] = self._waiting.get(capability, 0) + fresh
        return dict(self._waiting)

    def written(self, counts: dict[str, int]) -> None:
        """Forget counts that are on disk now."""
        for capability, number in counts.items():
            left = self._waiting.get(capability, 0) - number
            if left > 0:
                self._waiting[capability] = left
            else:
                self._waiting.pop(capability, None)
