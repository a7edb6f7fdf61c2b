"""Connections to the store's file, and what SQLite's errors mean to the agent."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from device_agent.errors import StoreError, StoreFull, StoreLocked, StoreNewer, StoreUnreadable
from device_agent.store import schema

Connection: TypeAlias = sqlite3.Connection
T = TypeVar("T")

# Twice this, once for other threads and once for other processes, is the longest wait for the store.
WAIT_S: Final = 2.5
_PAUSE_S: Final = 0.05
_OWNER_ONLY: Final = 0o600
_PRIMARY: Final = 0xFF
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_FAILED_WRITES: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_DIR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
    }
)


def typed(error: sqlite3.Error | OSError) -> StoreError:
    """Return the agent's error for one of SQLite's or of the operating system's."""
    if isinstance(error, OSError):
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        return StoreFull(str(error.strerror)) if full else StoreUnreadable(str(error.strerror))
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code & _PRIMARY in _BUSY:
        return StoreLocked(str(error))
    if code in _FAILED_WRITES or code & _PRIMARY == sqlite3.SQLITE_FULL:
        return StoreFull(str(error))
    return StoreUnreadable(str(error))


def connect(path: Path) -> Connection:
    """Open the file, which is made where it is missing.

    Raises:
        StoreError: it is damaged, newer, locked, or not permitted; or the disk is full.
    """
    try:
        _make(path)
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise typed(error) from error
    try:
        _patiently(lambda: _prepare(connection))
        connection.execute(f"PRAGMA busy_timeout = {int(WAIT_S * 1000)}")
    except sqlite3.Error as error:
        connection.close()
        raise typed(error) from error
    except StoreError:
        connection.close()
        raise
    return connection


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_mode & 0o077:
        path.parent.chmod(0o700)
    try:
        # Never an existing file: closing a second descriptor of it would drop the locks that SQLite holds.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY))
    except FileExistsError:
        return


def _prepare(connection: Connection) -> None:
    _refuse_what_is_not_ours(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    if _number(connection, "user_version") < schema.VERSION:
        _create(connection)


def _refuse_what_is_not_ours(connection: Connection) -> None:
    if _number(connection, "application_id") not in {0, schema.APPLICATION}:
        raise StoreUnreadable("the file belongs to another program")
    if _number(connection, "user_version") > schema.VERSION:
        raise StoreNewer


def _create(connection: Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        if _number(connection, "user_version") < schema.VERSION:
            for statement in schema.STATEMENTS:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION}")
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _number(connection: Connection, pragma: str) -> int:
    (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    return int(value)


def _patiently(act: Callable[[], T]) -> T:
    """Do something again while it is refused as busy: switching to WAL does not wait as other statements do."""
    for _ in range(int(WAIT_S / _PAUSE_S)):
        try:
            return act()
        except sqlite3.OperationalError as error:
            if not isinstance(typed(error), StoreLocked):
                raise
            time.sleep(_PAUSE_S)
    return act()
