"""When the device talks to the exporter.

Regularly; at once where news may settle a denial; one time after the other while old events wait; seldom while in vain.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Final

from device_agent.agent.background import TO_THE_EXPORTER_S, Worker
from device_agent.errors import AgentError
from licensing_protocol.errors import InterlockError

if TYPE_CHECKING:
    from device_agent.exchange import SyncReport

# Denials that end when documents arrive. A grant that was revoked is not among them: a sync that finds one revoked
# reports again by itself, and after that asking more often changes nothing.
SETTLED_BY_NEWS: Final = frozenset(
    {
        "entitlement.absent",
        "entitlement.expired",
        "entitlement.manifest",
        "status.absent",
        "status.stale",
        "contact.silent",
        "contact.this_boot",
        "time.unknown",
    }
)
_ASK_AGAIN_S: Final = 30.0
_FIRST_RETRY_S: Final = 5.0
_LOOK_AGAIN_S: Final = 60.0
# A backlog goes out in bursts of some seconds each: what lies between them is the product's.
_GO_ON_S: Final = 2.0
_MOST_DOUBLINGS: Final = 16
_JITTER: Final = 0.2


class Syncer:
    """Runs ``sync`` in the background, about every ``every`` seconds.

    ``silence`` tells the seconds since the newest receipt, whichever process got it: of several processes on one
    device, one regular report is enough. Before enrolment it is ``None``, and nothing is sent.
    """

    def __init__(
        self,
        sync: Callable[[], SyncReport],
        silence: Callable[[], float | None],
        boottime: Callable[[], float],
        every: float,
    ) -> None:
        self._sync = sync
        self._silence = silence
        self._boottime = boottime
        self._every = every
        self._failures = 0
        self._wanted = False
        self._backlog = False
        self._asked: dict[str, float] = {}
        self.worker = Worker("interlock-sync", self.step, TO_THE_EXPORTER_S)

    def settle(self, code: str) -> None:
        """Take note of the reason of a denial: news may settle it, unless the exporter is out of reach just now."""
        if code not in SETTLED_BY_NEWS or self._failures:
            return
        now = self._boottime()
        asked = self._asked.get(code, -inf)
        if not asked <= now < asked + _ASK_AGAIN_S:
            self._asked[code] = now
            self.hurry()

    def hurry(self) -> None:
        """Sync now."""
        self._wanted = True
        self.worker.wake()

    def step(self) -> float:
        """Sync if it is time, and return the seconds until it is time again."""
        # Whoever asks in between is served by the sync that follows, or by the next step.
        wanted = self._wanted
        if wanted:
            self._wanted = False
        try:
            silence = self._silence()
            if silence is None:
                return min(self._every, _LOOK_AGAIN_S)
            hurried = wanted or self._backlog or self._failures > 0
            if not hurried and silence < self._every / 2:
                return _roughly(self._every - silence)
            report = self._sync()
        except (AgentError, InterlockError):
            return self._after_failure()
        self._backlog = report.backlog and report.receipts > 0
        if not report.problems:
            self._failures = 0
            return _roughly(min(self._every, _GO_ON_S) if self._backlog else self._every)
        if self._backlog:
            # It got somewhere, so the exporter is there: it had enough for the moment.
            self._failures = 0
        return self._after_failure()

    def _after_failure(self) -> float:
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        return _roughly(min(self._every, _FIRST_RETRY_S * 2 ** (self._failures - 1)))


def _roughly(seconds: float) -> float:
    """Return about so many seconds: devices that start together must not report together."""
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)
