"""Uses of quotas that this process has taken on disk, in blocks, and not handed out yet (protocol §3 ``quota``).

A block is for one grant as it was compiled and for one window. It begins with a single use and grows while a process
hands its blocks out quickly, so what a crash loses is about what was used in the last moment, and never more than a
small share of what was left.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import inf
from typing import Final

from device_agent.enforcement import quotas
from device_agent.enforcement.block import Block
from device_agent.store import Connection
from licensing_protocol.decision import CompiledGrant
from licensing_protocol.grant import Audit
from licensing_protocol.limits import Quota

MOST: Final = 256
# Near its end a quota is given out one by one, so that other processes find what this one does not need.
_SHARE: Final = 16
# About how long a block should last.
_LASTS_S: Final = 1.0
# One that nobody touches for this long is given back.
_IDLE_S: Final = 1.0


@dataclass(slots=True)
class _Reserve:
    """The block of one grant; ``begins`` and ``ends`` are its window's, ``filled`` and ``touched`` since start."""

    grant: CompiledGrant
    quota: Quota
    block: Block = field(default_factory=Block)
    size: int = 0
    begins: int = 0
    ends: float = inf
    filled: float = -inf
    touched: float = -inf
    seen: int = 0

    def next_size(self, boottime: float) -> int:
        """Return how large the next block should be after one that is used up: at most twice as large as that."""
        lasted = boottime - self.filled
        if lasted > 0:
            return max(1, min(MOST, self.size * 2, int(self.size * _LASTS_S / lasted)))
        return max(1, min(MOST, self.size * 2))


@dataclass(frozen=True, slots=True)
class Taken:
    """Uses that are on disk, if the transaction they were taken in is."""

    grant: CompiledGrant
    uses: int
    begins: int
    ends: float


class Reserves:
    """One thread at a time, but for taking from the blocks themselves."""

    def __init__(self) -> None:
        self._reserves: dict[str, _Reserve] = {}
        # By the quota's id and the beginning of its window.
        self._owed: Counter[tuple[str, int]] = Counter()
        self._handed_out: Counter[str] = Counter()

    def block(self, grant: CompiledGrant, quota: Quota, lower: int) -> Block:
        """Return the block of a grant, in which nothing is left of another grant or of a window before ``lower``."""
        return self._reserve(grant, quota, lower).block

    def spent(self, connection: Connection, quota: Quota, lower: int) -> int:
        """Return the uses of the current window that were handed out, or that other processes hold."""
        begins, used = quotas.standing(connection, quota, lower)
        window = (quota.id, begins)
        held = (reserve for reserve in self._reserves.values() if (reserve.quota.id, reserve.begins) == window)
        return used - self._owed[window] - sum(len(reserve.block.uses) for reserve in held)

    def gather(self, connection: Connection, quota: Quota, lower: int) -> int:
        """Return the uses of the current window that are taken, inside ``store.write()``.

        Where that leaves none, what other grants in this process hold of the same quota comes first.
        """
        if quotas.standing(connection, quota, lower)[1] >= quota.uses:
            self.retire(quota.id)
        self.give_back(connection)
        return quotas.standing(connection, quota, lower)[1]

    def take(self, connection: Connection, grant: CompiledGrant, quota: Quota, lower: int, boottime: float) -> Taken:
        """Take the next block of a quota that has uses left; once it is on disk, :meth:`fill` lets it be handed out."""
        reserve = self._reserve(grant, quota, lower)
        _, used = quotas.standing(connection, quota, lower)
        uses = max(1, min(reserve.next_size(boottime), (quota.uses - used) // _SHARE))
        ends = quota.window(lower).ends
        return Taken(grant, uses, quotas.take(connection, quota, lower, uses), inf if ends is None else ends)

    def fill(self, taken: Taken, boottime: float) -> None:
        """Hand one use to the caller, and the others of the block to whoever comes."""
        reserve = self._reserves[taken.grant.capability]
        reserve.begins, reserve.ends = taken.begins, taken.ends
        reserve.filled, reserve.touched, reserve.size = boottime, boottime, taken.uses
        reserve.block.fill_after(taken.uses)
        reserve.seen = taken.uses - 1

    def rest(self, boottime: float) -> None:
        """Prepare to give back what lay idle since the last time."""
        for reserve in self._reserves.values():
            left = len(reserve.block.uses)
            if left != reserve.seen:
                reserve.seen, reserve.touched = left, boottime
            elif left and not reserve.touched <= boottime < reserve.touched + _IDLE_S:
                self._retire(reserve)

    def retire(self, id: str | None = None) -> None:
        """Prepare to give back all that is left, or all of one quota."""
        for reserve in self._reserves.values():
            if id is None or reserve.quota.id == id:
                self._retire(reserve)

    @property
    def owes(self) -> bool:
        """Whether something is to be given back."""
        return bool(self._owed)

    def give_back(self, connection: Connection) -> None:
        """Give back what is owed, inside ``store.write()``.

        It is owed no more even where the transaction fails: one whose failure is not certain would else give twice.
        """
        owed, self._owed = self._owed, Counter()
        for (id, begins), uses in owed.items():
            quotas.give_back(connection, id, begins, uses)

    def counted(self) -> dict[str, int]:
        """Return how many uses of grants that count them were handed out since this was last asked."""
        for reserve in self._reserves.values():
            self._count(reserve)
        counted, self._handed_out = self._handed_out, Counter()
        return dict(counted)

    def clear(self) -> None:
        """Leave all of it to the parent process, also what gates can reach that a product keeps."""
        for reserve in self._reserves.values():
            reserve.block.clear()
        self._reserves, self._owed, self._handed_out = {}, Counter(), Counter()

    def _reserve(self, grant: CompiledGrant, quota: Quota, lower: int) -> _Reserve:
        reserve = self._reserves.get(grant.capability)
        if reserve is None or reserve.grant is not grant:
            if reserve is not None:
                self._retire(reserve)
                self._count(reserve)
            reserve = self._reserves[grant.capability] = _Reserve(grant, quota)
        elif lower >= reserve.ends:
            reserve.block.take_back()
        return reserve

    def _retire(self, reserve: _Reserve) -> None:
        left = reserve.block.take_back()
        if left:
            self._owed[reserve.quota.id, reserve.begins] += left
        reserve.size = 0

    def _count(self, reserve: _Reserve) -> None:
        fresh = reserve.block.fresh()
        if fresh and reserve.grant.grant.audit is Audit.COUNT:
            self._handed_out[reserve.grant.capability] += fresh
