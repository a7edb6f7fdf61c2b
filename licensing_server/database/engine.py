"""Transactions: each says whether it writes, and is committed before its caller answers anybody."""

from __future__ import annotations

import select
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
import structlog
from psycopg.errors import DeadlockDetected, DiskFull, SerializationFailure
from sqlalchemy import CursorResult, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from licensing_server.problem import Conflict, Problem, Unavailable, Unprocessable

T = TypeVar("T")
CHANNEL: Final = "interlock_commit"
_TELL: Final = text(f"NOTIFY {CHANNEL}")
POOL_SIZE: Final = 18
# Jobs hold two connections on PostgreSQL, those that wait for the network two more, and the listener one: what is left
# is for requests.
REQUEST_THREADS: Final = POOL_SIZE - 5
_POOL_TIMEOUT_S: Final = 2
_BUSY_TIMEOUT_MS: Final = 10_000
_WRITING: Final = ("INSERT", "UPDATE", "DELETE")
_TRIES: Final = 3
# PostgreSQL's advisory locks are one space for a whole database: the first number says that they are ours.
_LOCKS: Final = 1_230_262_348
_TRY_LOCK: Final = text("SELECT pg_try_advisory_xact_lock(:ours, :name)")
_LIVELINESS: Final = ("tcp_keepalives_idle = 2", "tcp_keepalives_interval = 1", "tcp_keepalives_count = 2")
_log = structlog.get_logger("interlock.database")


class Database:
    """One database. ``write`` takes the write lock at once on SQLite, so that a transaction never fails half way.

    What the database itself refuses comes as a Problem: Unavailable ``server.busy``, ``database.full``,
    ``database.damaged`` or ``database.unavailable``, Unprocessable ``value.unstorable``, Conflict ``state.conflict``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        # Values stay out of error messages, for these reach the log.
        self.engine = create_engine(url, hide_parameters=True, **_pool(self.is_sqlite))
        self._watchers: list[threading.Event] = []
        # Threads of one process take turns here, where none has to ask again and again as SQLite would let it.
        self._turn = threading.Lock() if self.is_sqlite else None
        if self.is_sqlite:
            event.listen(self.engine, "connect", _set_up_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine, "connect", _set_up_postgresql)
            event.listen(self.engine, "checkout", _refuse_where_hung_up)
        event.listen(self.engine, "after_cursor_execute", _note_write)

    def change(self, do: Callable[[Session], T]) -> T:
        """Return what ``do`` returns once its transaction is committed.

        Where another transaction came between (a unique value taken meanwhile, a deadlock) it is done anew, and then
        sees what the other one did.
        """
        for _ in range(_TRIES - 1):
            try:
                with self.write() as session:
                    return do(session)
            except Problem as problem:
                if not _raced(problem.__cause__):
                    raise
        with self.write() as session:
            return do(session)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session in one writing transaction; commits at the end, rolls back on any exception."""
        with self._turn_to_write(), self._session(writes=True) as session:
            yield session
            session.flush()
            connection = session.connection()
            wrote = connection.info.pop("wrote", False)
            if wrote and not self.is_sqlite:
                connection.execute(_TELL)
            session.commit()
            if wrote:
                for watcher in self._watchers:
                    watcher.set()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session in one transaction that cannot write and sees one state."""
        with self._session(writes=False) as session:
            yield session
            session.rollback()

    @contextmanager
    def write_alone(self, name: str) -> Iterator[Session | None]:
        """As :meth:`write`, for work that one process at a time may do: ``None`` while another does work of this name.

        The lock ends with the transaction; it is the one of :meth:`alone`.
        """
        with self.write() as session:
            ours = self.is_sqlite or session.connection().execute(_TRY_LOCK, _numbers(name)).scalar_one()
            yield session if ours else None

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Tell whether this process may do the work of this name now; no other may until the end of the block.

        On PostgreSQL an advisory lock on a connection of its own, which ends with the process, however that ends.
        """
        if self.is_sqlite:
            # BEGIN IMMEDIATE already lets one writer in at a time.
            yield True
            return
        numbers = _numbers(name)
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            ours = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:ours, :name)"), numbers))
            try:
                yield ours
            finally:
                if ours:
                    connection.execute(text("SELECT pg_advisory_unlock(:ours, :name)"), numbers)

    def watch(self) -> threading.Event:
        """Return an event that is set whenever this process has committed a change."""
        watcher = threading.Event()
        self._watchers.append(watcher)
        return watcher

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=_BUSY_TIMEOUT_MS / 1000):
            raise _busy()
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _session(self, *, writes: bool) -> Iterator[Session]:
        try:
            with self.engine.connect() as connection:
                options: dict[str, Any] = {"interlock_writes": writes}
                if not self.is_sqlite and not writes:
                    options |= {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
                connection.execution_options(**options)
                connection.info["wrote"] = False
                with Session(connection, expire_on_commit=False) as session:
                    yield session
        except PoolTimeout as error:
            raise _busy() from error
        except (ProgrammingError, NotSupportedError):
            # A mistake of ours, and no answer to give to anybody.
            raise
        except DatabaseError as error:
            raise _refusal(error) from error


def _numbers(name: str) -> dict[str, int]:
    """Return the two numbers of an advisory lock."""
    return {"ours": _LOCKS, "name": zlib.crc32(name.encode("ascii")) - 2**31}


def changed_one(result: Any) -> bool:
    """Tell whether a conditional update found what it expected."""
    return isinstance(result, CursorResult) and result.rowcount == 1


def _refusal(error: DBAPIError) -> Problem:
    if isinstance(error, DataError):
        return Unprocessable("value.unstorable", "A value holds something that no database keeps; leave it out.")
    if isinstance(error, IntegrityError):
        _log.warning("the database refused a change", error=_told(error))
        return Conflict("state.conflict", "This is in conflict with what is there; look again and repeat it.")
    if _raced(error) or "locked" in str(error.orig):
        return _busy()
    _log.error("the database failed", error=_told(error))
    if _is_full(error):
        sentence = "The disk of the database is full, so nothing can be recorded; free space on it, then try again."
        return Unavailable("database.full", sentence, retry_after=60)
    if _is_damaged(error):
        sentence = "The file of the database is damaged; stop the server, keep the file, and restore a backup."
        return Unavailable("database.damaged", sentence, retry_after=600)
    return Unavailable("database.unavailable", "The database does not answer; try again in a moment.", retry_after=5)


def _is_full(error: DBAPIError) -> bool:
    return isinstance(error.orig, DiskFull) or getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _is_damaged(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    # The lower eight bits are the code itself (sqlite.org/rescode.html).
    return code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _told(error: DBAPIError) -> str:
    # The first line only: PostgreSQL's next one repeats the values of the row.
    return f"{type(error.orig).__name__}: {str(error.orig).partition(chr(10))[0]}"


def _raced(error: BaseException | None) -> bool:
    if isinstance(error, DBAPIError):
        return isinstance(error, IntegrityError) or isinstance(error.orig, DeadlockDetected | SerializationFailure)
    return False


def _busy() -> Unavailable:
    return Unavailable("server.busy", "The server is busy; try again in a moment.")


def _pool(is_sqlite: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"pool_size": POOL_SIZE, "max_overflow": 0, "pool_timeout": _POOL_TIMEOUT_S}
    # The connection that was used last has its pages and statements still at hand.
    options["pool_use_lifo"] = True
    if is_sqlite:
        options["connect_args"] = {"check_same_thread": False, "timeout": _BUSY_TIMEOUT_MS / 1000}
    return options


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: "begin" below says which kind it is.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _set_up_postgresql(connection: Any, _record: Any) -> None:
    # A machine that vanishes says no farewell: the database looks by itself, so that its locks go within seconds.
    connection.autocommit = True
    for setting in _LIVELINESS:
        connection.execute(f"SET {setting}")
    connection.autocommit = False


def _refuse_where_hung_up(connection: Any, _record: Any, _proxy: Any) -> None:
    """Let the pool connect anew where the database has closed an idle connection: it restarted, or was told to.

    Where nothing was asked there is nothing to read, except a farewell. So the database is asked only where there is
    something: to look first costs far less.
    """
    looked = select.poll()
    try:
        looked.register(connection.fileno(), select.POLLIN)
        if looked.poll(0):
            connection.execute("SELECT 1")
            connection.rollback()
    except psycopg.OperationalError as error:
        raise DisconnectionError("The database has closed this connection.") from error


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("interlock_writes", True)
    if connection.info.get("writes") is not writes:
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        connection.info["writes"] = writes
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _note_write(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    if statement.lstrip()[:6].upper() in _WRITING:
        connection.info["wrote"] = True
