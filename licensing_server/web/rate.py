"""How often one device or one address may ask: a token bucket each, in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict

from licensing_server.problem import TooMany

_MOST_BUCKETS = 100_000
_MINUTE_S = 60.0


class Rate:
    """``per_minute`` requests for each name, bursts up to that number."""

    def __init__(self, per_minute: int) -> None:
        self._per_second = per_minute / _MINUTE_S
        self._most = float(per_minute)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, name: str, now: float) -> None:
        """Take one from the bucket of ``name``; ``now`` in seconds of a monotonic clock.

        Raises:
            TooMany: ``rate.exceeded``.
        """
        with self._lock:
            left, at = self._buckets.pop(name, (self._most, now))
            left = min(self._most, left + (now - at) * self._per_second)
            allowed = left >= 1
            self._buckets[name] = (left - 1 if allowed else left, now)
            if len(self._buckets) > _MOST_BUCKETS:
                self._buckets.popitem(last=False)
        if not allowed:
            wait = int((1 - left) / self._per_second) + 1
            raise TooMany("rate.exceeded", f"Too many requests; ask again in {wait} s.", retry_after=wait)
