"""The objects of a kind that are alive, for what has to ask all of them, as before a fork."""

from __future__ import annotations

import threading
import weakref
from typing import Generic, TypeVar

from device_agent.forking import around_fork

T = TypeVar("T")


class Living(Generic[T]):
    """Keeps nothing alive. One thread may add while another looks, and no fork comes in between."""

    def __init__(self) -> None:
        self._known: weakref.WeakSet[T] = weakref.WeakSet()
        self._lock = threading.RLock()
        around_fork(before=lambda: self._lock.acquire(), in_parent=lambda: self._lock.release(), in_child=self._forked)

    def add(self, one: T) -> None:
        """Count one in, until it is gone."""
        with self._lock:
            self._known.add(one)

    def all(self) -> list[T]:
        """Return those that are alive now."""
        with self._lock:
            return list(self._known)

    def _forked(self) -> None:
        self._lock = threading.RLock()
