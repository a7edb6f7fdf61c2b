"""Brings counted uses and denials to the store, at a bounded rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import inf
from typing import Final

from device_agent.clock import Reading
from device_agent.enforcement import records
from device_agent.enforcement.beliefs import Beliefs, as_store_error
from device_agent.enforcement.denials import Denials
from device_agent.enforcement.tally import Tally
from licensing_protocol.decision import Denied
from licensing_protocol.reasons import Reason

# Where nothing runs in the background, counts reach the disk by the uses themselves.
INTERVAL_S: Final = 2.0


class Recorder:
    """One thread at a time, but for the ticks.

    ``problem`` says why counts cannot be written; until they can, no use that has to be counted is granted.
    """

    def __init__(self, beliefs: Beliefs) -> None:
        self.problem: Reason | None = None
        self._beliefs = beliefs
        self.begin_process()

    def begin_process(self) -> None:
        """Start counting from nothing: what a parent process has counted, the parent writes."""
        self._tally = Tally()
        self._denials = Denials()
        self._written = -inf

    def tick(self, capability: str) -> Callable[[], int]:
        """Return what counts one use of a capability, from any thread."""
        return self._tally.counter(capability).tick

    def due(self, reading: Reading) -> bool:
        """Tell whether the last writing lies long enough back."""
        return not self._written <= reading.boottime < self._written + INTERVAL_S

    def deny(self, denied: Denied, reading: Reading) -> bool:
        """Count a denial, and tell whether it should be written now: the first of its kind should."""
        return self._denials.add(denied, reading.boottime)

    def flush(self, reading: Reading) -> None:
        """Write what is counted, or keep it and say so in :attr:`problem`."""
        self._written = reading.boottime
        uses, denials = self._tally.pending(), self._denials.pending()
        try:
            if uses or denials:
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
            records.count(connection, uses, gated)
            records.denied(connection, denials, bounds, reading.boot)
