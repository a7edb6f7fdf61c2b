"""Waits at the exporter for the next status list, so that a revocation is obeyed as soon as it is signed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from device_agent.agent.background import TO_THE_EXPORTER_S, Worker
from device_agent.agent.late import importing
from device_agent.errors import AgentError
from licensing_protocol.errors import InterlockError

if TYPE_CHECKING:
    from device_agent.exchange import Exchange, SyncReport
    from device_agent.exchange.patience import Patience

WAIT_S: Final = 50
_LOOK_AGAIN_S: Final = 60.0
# A list is signed once a second at most: a server that always has another one gets no busy loop.
_NEXT_S: Final = 0.2
# A server that does not let this device wait (it may be a plain file server) is asked now and then.
_FIRST_POLL_S: Final = 5.0
_LONGEST_POLL_S: Final = 60.0
_LONGEST_RETRY_S: Final = 300.0
_MOST_DOUBLINGS: Final = 10


class Waiter:
    """Holds one request open at the exporter, in one thread.

    ``exchange`` gives the device's side of it; ``took`` is called with each report that brought a list.
    """

    def __init__(
        self, exchange: Callable[[], Exchange], took: Callable[[SyncReport], None], boottime: Callable[[], float]
    ) -> None:
        self._exchange = exchange
        self._took = took
        self._boottime = boottime
        self._patience: Patience | None = None
        self._known: Exchange | None = None
        self._turn = 0
        self._vain = 0
        self._idle = False
        self.worker = Worker("interlock-wait", self.step, TO_THE_EXPORTER_S)

    def begin(self) -> None:
        """Look now whether there is something to wait for, where there was nothing before."""
        if self._idle:
            self.worker.wake()

    def stop(self) -> None:
        """Let no further wait begin, and end the one that is under way."""
        self.worker.stop()
        patience = self._patience
        if patience is not None:
            patience.end()

    def forked(self) -> None:
        """Take note that this is a child process: the request that is under way is its parent's."""
        self._patience = None
        self.worker.forked()

    def step(self) -> float:
        """Wait once, and return the seconds until the next time."""
        try:
            uri = self._next()
            self._idle = uri is None
            return _LOOK_AGAIN_S if uri is None else self._wait(uri)
        except (AgentError, InterlockError):
            return self._after_vain(_LONGEST_RETRY_S)
        finally:
            self._patience = None

    def _next(self) -> str | None:
        if self._known is None:
            self._known = self._exchange()
        shards = self._known.shards()
        self._turn += 1
        return shards[self._turn % len(shards)] if shards else None

    def _wait(self, uri: str) -> float:
        with importing():
            from device_agent.exchange.patience import Patience

        assert self._known is not None
        self._patience = patience = Patience(WAIT_S)
        if self.worker.stopped:
            return _NEXT_S
        begun = self._boottime()
        report = self._known.wait_for_list(uri, patience)
        if report.lists:
            self._took(report)
        elif self._boottime() - begun < WAIT_S / 2:
            return self._after_vain(_LONGEST_POLL_S)
        self._vain = 0
        return random.uniform(_NEXT_S / 2, _NEXT_S)

    def _after_vain(self, longest: float) -> float:
        """Return a pause that grows each time, and differs between devices that began together."""
        pause = min(longest, _FIRST_POLL_S * 2.0**self._vain)
        self._vain = min(self._vain + 1, _MOST_DOUBLINGS)
        return pause * random.uniform(0.5, 1.0)
