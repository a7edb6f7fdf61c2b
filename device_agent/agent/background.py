"""A thread that does one thing again and again beside the product, and never stands in its way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from device_agent.forking import LOG

_AFTER_A_DEFECT_S: Final = 60.0
# What talks to the exporter loads much, and the product's first decisions come first.
TO_THE_EXPORTER_S: Final = 0.5


class Worker:
    """Runs ``step`` in a daemon thread, at first after ``first`` seconds, then after as many as it returns; or at once
    when woken.

    A fork leaves threads behind, so :meth:`ensure` is called wherever work is noticed, and starts one where none runs.
    """

    def __init__(self, name: str, step: Callable[[], float], first: float = 0.0) -> None:
        self._name = name
        self._step = step
        self._first = first
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._stopped = False

    def ensure(self) -> None:
        """Start the thread unless it runs already or was stopped."""
        if self._thread is not None or self._stopped:
            return
        with self._lock:
            if self._thread is None and not self._stopped:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                # A machine without room for a thread must not break the product: the next call tries again.
                with suppress(RuntimeError):
                    thread.start()
                    self._thread = thread

    def wake(self) -> None:
        """Run the step now rather than later."""
        self._woken.set()

    @property
    def stopped(self) -> bool:
        """Whether no further step begins."""
        return self._stopped

    def stop(self) -> None:
        """Let no further step begin; one that is under way is not waited for."""
        self._stopped = True
        self._woken.set()

    def join(self, timeout: float) -> None:
        """Wait for the thread to end, at most ``timeout`` seconds."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(0.0, timeout))

    def forked(self) -> None:
        """Take note that this is a child process: its parent's thread and locks did not come along."""
        stopped = self._stopped
        self._begin_anew()
        self._stopped = stopped

    def _run(self) -> None:
        self._rest(self._first)
        while not self._stopped:
            self._rest(self._one_step())

    def _rest(self, seconds: float) -> None:
        self._woken.wait(seconds)
        self._woken.clear()

    def _one_step(self) -> float:
        try:
            return self._step()
        except Exception:
            # A defect here must neither end the thread in silence nor reach the product.
            LOG.exception("The agent's background work %s failed; it goes on in a minute.", self._name)
            return _AFTER_A_DEFECT_S
