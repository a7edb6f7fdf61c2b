"""SQLite on a simulated disk, as a driver of SQLAlchemy's dialect for sqlite3: same calls, same errors, same results.

The standard library's sqlite3 cannot be given a disk. apsw can: files, their contents and their syncs are the
simulated disk's; locks and the shared memory of WAL are those of empty files in a real folder.
"""

# ruff: noqa: N802  # what begins with an x is called so by SQLite

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.simulators.disk import Disk, Fault, File

_NUMBERS = count()
_CHANGES_ROWS = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
_KINDS = (
    ((apsw.ConstraintError, apsw.MismatchError), sqlite3.IntegrityError),
    ((apsw.CorruptError, apsw.NotADBError), sqlite3.DatabaseError),
)


class Machine:
    """Gives an engine its connections between two power cuts: on the disk, with ``folder`` for locks."""

    def __init__(self, engine: Engine, disk: Disk, folder: Path, wal_autocheckpoint: int = 1000) -> None:
        folder.mkdir()
        self._engine, self._disk, self._pages = engine, disk, wal_autocheckpoint
        self._vfs = _Vfs(f"simulated-{next(_NUMBERS)}", disk, folder)
        event.listen(engine, "do_connect", self._connect)

    def off(self) -> None:
        """Take the disk away from the engine, which was disposed of."""
        event.remove(self._engine, "do_connect", self._connect)
        self._vfs.unregister()

    def _connect(self, _dialect: object, _record: object, arguments: list[str], _options: object) -> Connection:
        with _as_sqlite3():
            found = Connection(apsw.Connection(arguments[0], vfs=self._vfs.name), self._disk)
            found.execute(f"PRAGMA wal_autocheckpoint={self._pages}")
            return found


class Connection:
    """A connection of sqlite3, as far as it is asked for here."""

    isolation_level: str | None = None

    def __init__(self, raw: apsw.Connection, disk: Disk) -> None:
        self._raw, self._disk = raw, disk

    def cursor(self) -> Cursor:
        """Begin to ask."""
        return Cursor(self._raw, self._disk)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        """Ask at once."""
        return self.cursor().execute(statement, values)

    def commit(self) -> None:
        """Commit, if there is a transaction."""
        if self._raw.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back, if there is a transaction: with a WAL that needs no disk."""
        with _as_sqlite3():
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")

    def create_function(self, name: str, arguments: int, function: Callable[..., Any], *, deterministic: bool) -> None:
        """Let SQL call a function."""
        self._raw.create_scalar_function(name, function, arguments, deterministic=deterministic)

    def close(self) -> None:
        """Close; the last one tidies up on the disk, if that still lets it."""
        with suppress(apsw.IOError, apsw.FullError):
            self._raw.close()


class Cursor:
    """A cursor of sqlite3 that has read everything as soon as it has asked."""

    arraysize = 1

    def __init__(self, raw: apsw.Connection, disk: Disk) -> None:
        self._raw, self._disk = raw, disk
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.rowcount, self.lastrowid = -1, 0

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        """Ask once."""
        return self.executemany(statement, [values])

    def executemany(self, statement: str, many: Sequence[Sequence[Any]]) -> Cursor:
        """Ask for each of many values."""
        found: list[tuple[Any, ...]] = []
        self.description, self.rowcount = None, 0 if _CHANGES_ROWS.match(statement) else -1
        with _as_sqlite3():
            self._disk.step()
            raw = self._raw.cursor()
            raw.exec_trace = self._describe
            for values in many:
                found += raw.execute(statement, tuple(values)).fetchall()
                if self.rowcount >= 0:
                    self.rowcount += self._raw.changes()
        self.lastrowid = self._raw.last_insert_rowid()
        self._rows = iter(found)
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row."""
        return next(self._rows, None)

    def fetchmany(self, size: int = arraysize) -> list[tuple[Any, ...]]:
        """Return some rows."""
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the other rows."""
        return list(self._rows)

    def close(self) -> None:
        """Forget what was not fetched."""
        self._rows = iter(())

    def _describe(self, raw: apsw.Cursor, _statement: str, _values: object) -> bool:
        names = raw.get_description()
        self.description = tuple((name, *[None] * 6) for name, _ in names) or None
        return True


class _Failure(apsw.IOError):
    """Tells SQLite what could not be done."""

    def __init__(self, code: int) -> None:
        super().__init__("the simulated disk failed")
        self.extendedresult = code


class _Full(apsw.FullError):
    """Tells SQLite that there is no room."""

    extendedresult = apsw.SQLITE_FULL


class _Vfs(apsw.VFS):
    """Names and files are the disk's; temporary files, which no crash leaves, are the real system's."""

    def __init__(self, name: str, disk: Disk, folder: Path) -> None:
        super().__init__(name, "unix")
        self.name, self._disk, self._folder = name, disk, folder

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        """Open a file."""
        if name is None or flags[0] & apsw.SQLITE_OPEN_DELETEONCLOSE:
            return super().xOpen(name, flags)
        path = name if isinstance(name, str) else name.filename()
        with _as_apsw(apsw.SQLITE_CANTOPEN):
            return _VfsFile(self._disk.open(path), str(self._folder / Path(path).name), flags)

    def xAccess(self, path: str, flags: int) -> bool:
        """Tell whether a file is there."""
        return self._disk.find(path) is not None

    def xDelete(self, path: str, sync: bool) -> None:
        """Delete a file."""
        if self._disk.find(path) is None:
            raise _Failure(apsw.SQLITE_IOERR_DELETE_NOENT)
        with _as_apsw(apsw.SQLITE_IOERR_DELETE):
            self._disk.delete(path)
            if sync:
                self._disk.sync_names()

    def excepthook(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Keep quiet of faults where SQLite goes on without what failed."""
        return isinstance(error, apsw.Error)


class _VfsFile(apsw.VFSFile):
    """Locks and shared memory are those of the real file, which stays empty."""

    def __init__(self, file: File, path: str, flags: list[int]) -> None:
        super().__init__("unix", path, flags)
        self._file = file

    def xRead(self, amount: int, offset: int) -> bytes:
        """Read."""
        with _as_apsw(apsw.SQLITE_IOERR_READ):
            return self._file.read(offset, amount)

    def xWrite(self, data: Any, offset: int) -> None:
        """Write."""
        with _as_apsw(apsw.SQLITE_IOERR_WRITE):
            self._file.write(offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:
        """Set the end."""
        with _as_apsw(apsw.SQLITE_IOERR_TRUNCATE):
            self._file.truncate(newsize)

    def xSync(self, flags: int) -> None:
        """Bring everything to the disk."""
        with _as_apsw(apsw.SQLITE_IOERR_FSYNC):
            self._file.sync()

    def xFileSize(self) -> int:
        """Return the length."""
        return self._file.size

    def excepthook(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Keep quiet of faults where SQLite goes on without what failed."""
        return isinstance(error, apsw.Error)


@contextmanager
def _as_apsw(code: int) -> Iterator[None]:
    """Say of a fault to SQLite what a real file would."""
    try:
        yield
    except Fault as fault:
        if fault.errno == errno.ENOSPC:
            raise _Full("the simulated disk is full") from fault
        raise _Failure(code) from fault


@contextmanager
def _as_sqlite3() -> Iterator[None]:
    """Raise what sqlite3 raises."""
    try:
        yield
    except (Fault, apsw.Error) as error:
        kind = next((told for found, told in _KINDS if isinstance(error, found)), sqlite3.OperationalError)
        told = kind(str(error))
        told.sqlite_errorcode = getattr(error, "extendedresult", apsw.SQLITE_IOERR)
        raise told from error
