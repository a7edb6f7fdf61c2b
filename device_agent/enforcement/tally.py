"""Counts of uses that are still in memory, on their way to the store.

Counting a use takes one call and no lock; the counts are taken out by one thread at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from device_agent.enforcement.block import Block

# Where nothing limits the uses, the size of a block only says how seldom it is filled.
_BLOCK: Final = 2048


class Tally:
    """Uses by capability. What could not be written stays until it can."""

    def __init__(self) -> None:
        self._blocks: dict[str, Block] = {}
        self._waiting: Counter[str] = Counter()

    def block(self, capability: str) -> Block:
        """Return uses that are counted by being taken; some are left in it."""
        block = self._blocks.setdefault(capability, Block())
        if not block.uses:
            block.fill(_BLOCK)
        return block

    def add(self, counts: Mapping[str, int]) -> None:
        """Count uses that were taken from another block."""
        self._waiting.update(counts)

    def pending(self) -> dict[str, int]:
        """Return the counts that :meth:`written` has not confirmed yet."""
        for capability, block in self._blocks.items():
            self._waiting[capability] += block.fresh()
        return dict(+self._waiting)

    def written(self, counts: Mapping[str, int]) -> None:
        """Forget counts that are on disk now."""
        self._waiting.subtract(counts)

    def clear(self) -> None:
        """Leave to the parent process what it has counted, also through the gates that a product keeps."""
        for block in self._blocks.values():
            block.clear()
        self._blocks, self._waiting = {}, Counter()
