"""Brings counted uses and denials to the store, and back what quotas lent in vain, at a bounded rate."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import Final

from device_agent.clock import Reading
from device_agent.enforcement import quotas, records
from device_agent.enforcement.beliefs import Beliefs, as_store_error
from device_agent.enforcement.block import Block
from device_agent.enforcement.denials import Denials
from device_agent.enforcement.reserves import Reserves, Taken
from device_agent.enforcement.tally import Tally
from device_agent.store import Connection
from licensing_protocol.decision import CompiledGrant, Denied, Granted, Use
from licensing_protocol.grant import Audit
from licensing_protocol.limits import Quota
from licensing_protocol.reasons import Reason

# Where nothing runs in the background, counts reach the disk by the uses themselves.
INTERVAL_S: Final = 2.0


class Recorder:
    """One thread at a time, but for taking from the blocks.

    ``problem`` says why counts cannot be written; until they can, no use that has to be counted is granted.
    """

    def __init__(self, beliefs: Beliefs) -> None:
        self.problem: Reason | None = None
        self._beliefs = beliefs
        self._reserves = Reserves()
        self._tally = Tally()
        self.begin_process()

    def begin_process(self) -> None:
        """Start counting from nothing: what a parent process has counted, the parent writes."""
        self._reserves.clear()
        self._tally.clear()
        self._denials = Denials()
        self._written = -inf

    def block(self, grant: CompiledGrant, lower: int) -> Block | None:
        """Return what a use is taken from that needs no event of its own; ``None`` where nothing counts it.

        Of a quota there may be none left in it; ``lower`` (seconds, a lower bound) tells the quota's window.
        """
        if grant.grant.limits.quota is not None:
            return self._reserves.block(grant, grant.grant.limits.quota, lower)
        return self._tally.block(grant.capability) if grant.grant.audit is Audit.COUNT else None

    def spent(self, grant: CompiledGrant, lower: int, writing: Connection | None) -> int:
        """Return how much of the grant's quota is spent, as far as that can matter to one use.

        ``writing`` is the connection of the ``store.write()`` inside which the use is decided, if any.
        """
        quota = grant.grant.limits.quota
        if quota is None:
            return 0
        if writing is not None:
            return self._reserves.gather(writing, quota, lower)
        left = len(self._reserves.block(grant, quota, lower).uses)
        if left:
            # All that the disk could say is that there are more.
            return max(0, quota.uses - left)
        return self.used(quota, lower)

    def used(self, quota: Quota, lower: int) -> int:
        """Return the uses of a quota's window that were handed out, or that other processes hold."""
        with self._beliefs.store.read() as connection:
            return self._reserves.spent(connection, quota, lower)

    def record(
        self, connection: Connection, grant: CompiledGrant, granted: Granted, use: Use, reading: Reading
    ) -> Taken | None:
        """Record one use inside ``store.write()``; returned is the block that it is the first of, if there is one."""
        bounds, quota = self._beliefs.bounds(reading), grant.grant.limits.quota
        if granted.audit is Audit.EACH:
            if quota is not None:
                quotas.take(connection, quota, bounds.lower)
            records.used(connection, granted, use, bounds, reading.boot)
        elif quota is not None:
            return self._reserves.take(connection, grant, quota, bounds.lower, reading.boottime)
        if granted.audit is not Audit.NONE:
            records.count(connection, {granted.capability: 1}, {})
        return None

    def fill(self, taken: Taken, reading: Reading) -> None:
        """Let what was taken be handed out: it is on disk."""
        self._reserves.fill(taken, reading.boottime)

    def due(self, reading: Reading) -> bool:
        """Tell whether the last writing lies long enough back."""
        return not self._written <= reading.boottime < self._written + INTERVAL_S

    def deny(self, denied: Denied, reading: Reading) -> bool:
        """Count a denial, and tell whether it should be written now: the first of its kind should."""
        return self._denials.add(denied, reading.boottime)

    def flush(self, reading: Reading, *, everything: bool) -> None:
        """Write what is counted, or keep it and say so in :attr:`problem`.

        What lies idle of quotas is given back, or ``everything`` that is left.
        """
        self._written = reading.boottime
        if everything:
            self._reserves.retire()
        else:
            self._reserves.rest(reading.boottime)
        self._tally.add(self._reserves.counted())
        uses, denials = self._tally.pending(), self._denials.pending()
        try:
            if uses or denials or self._reserves.owes:
                self._write(uses, denials, reading)
        except Exception as error:
            self.problem = as_store_error(error).reason if uses else None
        else:
            self._tally.written(uses)
            self._denials.written(denials, reading.boottime)
            self.problem = None

    def _write(self, uses: dict[str, int], denials: dict[tuple[str, str], int], reading: Reading) -> None:
        bounds = self._beliefs.bounds(reading)
        gated: Counter[str] = Counter()
        for (capability, _), times in denials.items():
            # Evidence has room for the product's capabilities, not for every name that is asked for.
            if capability in self._beliefs.manifest.capabilities:
                gated[capability] += times
        with self._beliefs.store.write() as connection:
            self._reserves.give_back(connection)
            records.count(connection, uses, gated)
            records.denied(connection, denials, bounds, reading.boot)
