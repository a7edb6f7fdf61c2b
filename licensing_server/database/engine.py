"""Transactions: each says whether it writes, and is committed before its caller answers anybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import CursorResult, Engine, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from licensing_server.problem import Unavailable

POOL_SIZE = 16
_POOL_TIMEOUT_S = 2
_BUSY_TIMEOUT_MS = 10_000
CHANNEL = "interlock_commit"
_WRITING = ("INSERT", "UPDATE", "DELETE")


class Database:
    """One database. ``write`` takes the write lock at once on SQLite, so that a transaction never fails half way."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = create_engine(url, **_pool(self.is_sqlite))
        if self.is_sqlite:
            event.listen(self.engine, "connect", _set_up_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        event.listen(self.engine, "after_cursor_execute", _note_write)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session in one writing transaction; commits at the end, rolls back on any exception."""
        with self._session(writes=True) as session:
            yield session
            session.flush()
            connection = session.connection()
            if not self.is_sqlite and connection.info.pop("wrote", False):
                session.execute(text(f"NOTIFY {CHANNEL}"))
            session.commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session in one transaction that cannot write and sees one state."""
        with self._session(writes=False) as session:
            yield session
            session.rollback()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

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
            raise Unavailable("server.busy", "The server is busy; try again in a moment.") from error
        except OperationalError as error:
            if self.is_sqlite and "locked" in str(error.orig):
                raise Unavailable("server.busy", "The database is busy; try again in a moment.") from error
            raise


def changed_one(result: Any) -> bool:
    """Tell whether a conditional update found what it expected."""
    return isinstance(result, CursorResult) and result.rowcount == 1


def _pool(is_sqlite: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"pool_size": POOL_SIZE, "max_overflow": 0, "pool_timeout": _POOL_TIMEOUT_S}
    if is_sqlite:
        return options | {"connect_args": {"check_same_thread": False, "timeout": _BUSY_TIMEOUT_MS / 1000}}
    return options | {"pool_pre_ping": True}


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


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("interlock_writes", True)
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _note_write(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
    if statement.lstrip()[:6].upper() in _WRITING:
        connection.info["wrote"] = True


def engine_of(session: Session) -> Engine:
    """Return the engine behind a session."""
    bind = session.get_bind()
    return bind if isinstance(bind, Engine) else bind.engine
