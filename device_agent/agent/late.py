"""Imports that wait until they are needed.

A fork in the middle of another thread's import leaves the child with a module that nobody will ever finish, and that
it waits for without end. So a fork waits for these imports.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from device_agent.forking import around_fork

_importing = threading.RLock()


@contextmanager
def importing() -> Iterator[None]:
    """Keep forks out of a block that imports."""
    with _importing:
        yield


def _forked() -> None:
    global _importing
    _importing = threading.RLock()


around_fork(before=lambda: _importing.acquire(), in_parent=lambda: _importing.release(), in_child=_forked)
