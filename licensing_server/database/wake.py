"""Notices commits, by whichever process: NOTIFY on PostgreSQL, ``PRAGMA data_version`` on SQLite."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import structlog

from licensing_server.database.engine import CHANNEL, Database

_log = structlog.get_logger("interlock.database")
_POLL_S = 0.1
# Of commits that follow each other more closely the first is told at once, and the others together after this. An act
# has its index within 250 ms of its commit: what is left is for the work itself.
_GATHER_S = 0.15
_RECONNECT_S = 1.0


class Listener:
    """One thread that calls ``on_commit`` at once after a commit (and now and then without one)."""

    def __init__(self, database: Database, on_commit: Callable[[], object]) -> None:
        self._database = database
        self._on_commit = on_commit
        self._stop = threading.Event()
        self._committed_here = database.watch()
        self._thread = threading.Thread(target=self._run, name="commit-listener", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop within a second."""
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        commits = self._sqlite() if self._database.is_sqlite else self._postgres()
        for _ in commits:
            try:
                self._on_commit()
            except Exception:  # the database may be busy or gone for a moment; the next commit is another chance
                _log.exception("a commit was not followed")

    def _sqlite(self) -> Iterator[None]:
        connection = self._database.engine.raw_connection()
        # This connection never goes back: it belongs to this thread.
        connection.detach()
        seen = None
        try:
            while not self._stop.is_set():
                self._committed_here.clear()
                version = connection.cursor().execute("PRAGMA data_version").fetchone()
                if version == seen:
                    self._committed_here.wait(_POLL_S)
                else:
                    seen = version
                    yield
                    self._stop.wait(_GATHER_S)
        finally:
            connection.close()

    def _postgres(self) -> Iterator[None]:
        address = self._database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not self._stop.is_set():
            try:
                with psycopg.connect(address, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    yield
                    while not self._stop.is_set():
                        if any(True for _ in connection.notifies(timeout=_POLL_S * 5, stop_after=1)):
                            yield
                            while not self._stop.is_set() and list(connection.notifies(timeout=_GATHER_S)):
                                yield
            except psycopg.Error:
                # The database restarts: look again until it is back; jobs run by their due times meanwhile.
                self._stop.wait(_RECONNECT_S)
