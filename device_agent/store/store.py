"""Transactions on the store: one connection for each process, taken in turn, and none that survives a fork."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device_agent.errors import StoreLocked, StoreUnreadable
from device_agent.forking import around_fork
from device_agent.store.connection import WAIT_S, Connection, connect, typed
from device_agent.store.living import Living

FILE = "agent.db"


class Store:
    """The file ``agent.db`` in a folder that only its owner can enter.

    Threads share one connection in turn. Before a fork it is closed, because a SQLite connection must not exist on
    both sides of one; parent and child each open their own when they next need it. Every method raises a
    :class:`~device_agent.errors.StoreError` that says what is wrong.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._turn = threading.Lock()
        self._connection: Connection | None = None
        self._unusable = ""
        self._paused = False
        _STORES.add(self)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open the store in ``folder``; folder and file are made where they are missing."""
        store = cls(folder)
        with store._in_turn():
            pass
        return store

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one moment and cannot write."""
        with self._in_turn() as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                connection.execute("PRAGMA query_only = OFF")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that is alone in writing. What it wrote is durable when the block ends, or is not there."""
        with self._in_turn() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def data_version(self) -> int:
        """Return a number that changes whenever another process, or another ``Store``, has committed."""
        with self._in_turn() as connection:
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            return int(version)

    def close(self) -> None:
        """Let go of the file; a later use is refused as ``store.unreadable``. Closing again does nothing."""
        with self._turn:
            self._unusable = self._unusable or "it was closed"
            self._disconnect()

    @contextmanager
    def _in_turn(self) -> Iterator[Connection]:
        if not self._turn.acquire(timeout=WAIT_S):
            raise StoreLocked("another thread")
        try:
            yield self._connected()
        except sqlite3.Error as error:
            problem = typed(error)
            if isinstance(problem, StoreUnreadable):
                # Opened afresh next time: the file may have been repaired meanwhile.
                self._disconnect()
            raise problem from error
        finally:
            self._turn.release()

    def _connected(self) -> Connection:
        if self._unusable:
            raise StoreUnreadable(self._unusable)
        if self._connection is None:
            self._connection = connect(self._path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _before_fork(self) -> None:
        self._paused = self._turn.acquire(timeout=WAIT_S)
        if self._paused:
            self._disconnect()

    def _after_fork_in_parent(self) -> None:
        if self._paused:
            self._turn.release()

    def _after_fork_in_child(self) -> None:
        if self._paused:
            self._turn.release()
            return
        # A transaction was under way. Its connection is the parent's: not even closing it would be safe here.
        _LEFT_TO_THE_PARENT.append(self._connection)
        self._connection, self._turn = None, threading.Lock()
        self._unusable = "the process was forked in the middle of a transaction"


_STORES: Living[Store] = Living()
_LEFT_TO_THE_PARENT: list[Connection | None] = []


def _for_each(act: str) -> None:
    for store in _STORES.all():
        getattr(store, act)()


around_fork(
    before=lambda: _for_each("_before_fork"),
    in_parent=lambda: _for_each("_after_fork_in_parent"),
    in_child=lambda: _for_each("_after_fork_in_child"),
)
