"""What runs beside the product: an agent's threads, and what becomes of them when the process forks or ends."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Sequence
from typing import Final

from device_agent.agent.background import Worker
from device_agent.agent.locator import Locator
from device_agent.agent.observer import Observer
from device_agent.agent.syncer import Syncer
from device_agent.agent.waiter import Waiter
from device_agent.agent.watcher import Watcher
from device_agent.enforcement import Enforcer
from device_agent.forking import around_fork
from device_agent.store import Store
from device_agent.store.living import Living

_CLOSE_S: Final = 1.4
_LEAVE_S: Final = 0.2


class Life:
    """One agent's. ``exchanging`` is held by whoever exchanges documents; of the parts only ``workers`` run.

    A fork waits until no evaluation is under way, and its child begins with threads and locks of its own.
    """

    def __init__(
        self,
        store: Store,
        enforcer: Enforcer,
        observer: Observer,
        locator: Locator,
        watcher: Watcher,
        syncer: Syncer,
        waiter: Waiter,
        workers: Sequence[Worker],
    ) -> None:
        self._store = store
        self._enforcer = enforcer
        self._observer = observer
        self._locator = locator
        self._watcher = watcher
        self._syncer = syncer
        self._waiter = waiter
        self._workers = workers
        self.exchanging = threading.Lock()
        self.ended = False
        _LIVES.add(self)

    def go_on(self) -> None:
        """Start the threads that do not run: a fork leaves them behind."""
        if not self.ended:
            for worker in self._workers:
                worker.ensure()

    def end(self) -> None:
        """Stop, within two seconds, and write what was counted. Ending again does nothing."""
        if self.ended:
            return
        self.ended = True
        self._enforcer.close()
        for worker in self._workers:
            worker.stop()
        self._waiter.stop()
        # Another process may hold the store, and a server its answer, for longer than a product's exit may take.
        last = threading.Thread(target=self._write_and_leave, name="interlock-close", daemon=True)
        last.start()
        last.join(_CLOSE_S)
        for worker in self._workers:
            worker.join(_LEAVE_S)

    def before_fork(self) -> None:
        """Let no evaluation be under way."""
        self._enforcer.before_fork()

    def after_fork(self) -> None:
        """Go on as before, in the parent."""
        self._enforcer.after_fork()

    def forked(self) -> None:
        """Take note that this is a child process."""
        self.exchanging = threading.Lock()
        self._enforcer.forked()
        self._observer.forked()
        self._locator.forked()
        self._syncer.worker.forked()
        self._waiter.forked()
        self._watcher.worker.forked()

    def _write_and_leave(self) -> None:
        self._enforcer.flush()
        self._store.close()


_LIVES: Living[Life] = Living()


def _before_fork() -> None:
    # In an order that no other thread waits in: the agent's own lock, and then that of its store.
    for life in _LIVES.all():
        life.before_fork()


def _after_fork() -> None:
    for life in _LIVES.all():
        life.after_fork()


def _forked() -> None:
    for life in _LIVES.all():
        life.forked()


def _ended() -> None:
    # A product that ends without closing must lose no counts, and the interpreter must not take itself apart under
    # threads that are in the middle of something.
    for life in _LIVES.all():
        life.end()


around_fork(before=_before_fork, in_parent=_after_fork, in_child=_forked)
atexit.register(_ended)
