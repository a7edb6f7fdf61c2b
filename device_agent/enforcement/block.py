"""Uses that can be handed out at once, to any thread, without a lock and without the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import repeat


class Block:
    """``take`` hands one use out, or raises IndexError where none is left; ``uses`` holds those that are left.

    It rests on these being atomic: ``deque.pop``, ``len`` and the truth of a deque. Under the global interpreter lock
    each is one call into C that runs no Python; a free-threaded CPython gives every deque a lock of its own (which it
    does not do for ``itertools.count``). No two threads can take the same use, and none can take one that was taken
    back. Everything but ``take`` and ``uses`` belongs to one thread at a time.
    """

    __slots__ = ("_filled", "_told", "take", "uses")

    def __init__(self) -> None:
        self.uses: deque[None] = deque()
        self.take: Callable[[], None] = self.uses.pop
        self._filled = 0
        self._told = 0

    def hand_out(self) -> bool:
        """Take one use if there is one, and tell."""
        try:
            self.take()
        except IndexError:
            return False
        return True

    def fill(self, uses: int) -> None:
        """Add uses."""
        self._filled += uses
        self.uses.extend(repeat(None, uses))

    def fill_after(self, uses: int) -> None:
        """Add uses of which the caller hands the first out itself."""
        self._filled += 1
        self.fill(uses - 1)

    def take_back(self) -> int:
        """Take all that is left, and return how many those were: what other threads took meanwhile is theirs."""
        taken = 0
        while self.hand_out():
            taken += 1
        self._filled -= taken
        return taken

    def fresh(self) -> int:
        """Return how many uses were handed out since this was last asked."""
        handed_out = self._filled - len(self.uses)
        fresh, self._told = handed_out - self._told, handed_out
        return fresh

    def clear(self) -> None:
        """Forget what is left: in a forked child it is the parent's."""
        self.uses.clear()
