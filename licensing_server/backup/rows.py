"""Tables as lines of JSON, and back: read and written by the schema that the database itself has.

The same lines come from SQLite and PostgreSQL, so that a backup of one can be restored to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import LargeBinary, MetaData, Table, insert, select, text, update
from sqlalchemy.engine import Connection

from licensing_protocol.canonical import decode, encode, from_base64url, to_base64url
from licensing_protocol.errors import MalformedDocument
from licensing_server.backup.manifest import damaged

Step = Callable[[int], None]
"""Called with how many more rows were read or written."""

_BATCH = 500
_VERSIONS = "alembic_version"


def tables_of(connection: Connection) -> list[Table]:
    """Return the tables of the database, those that others refer to first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != _VERSIONS]


def write_rows(connection: Connection, table: Table, path: Path, step: Step) -> int:
    """Write every row of a table to a file; return how many there are."""
    binary = _binary(table)
    rows = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_BATCH)
    count = 0
    with path.open("wb") as file:
        for batch in connection.execute(rows).partitions():
            for row in batch:
                file.write(encode(_encoded(row._mapping, binary)) + b"\n")
            count += len(batch)
            step(len(batch))
    return count


def read_rows(connection: Connection, table: Table, path: Path, step: Step) -> int:
    """Insert every row of a file; return how many there are.

    Raises:
        Unprocessable: ``backup.damaged``.
    """
    own = [column.name for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]
    count = 0
    for lines in _batches(path):
        rows = [_decoded(line, table) for line in lines]
        # What refers to its own table is filled in when every row is there.
        connection.execute(insert(table), [row | dict.fromkeys(own) for row in rows])
        count += len(rows)
        step(len(rows))
    for name in own:
        _refer(connection, table, name, path)
    return count


def set_sequences(connection: Connection, tables: list[Table]) -> None:
    """Let PostgreSQL's counters go on after the highest id; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    quote = connection.dialect.identifier_preparer.quote
    for table in tables:
        for column in table.primary_key.columns:
            counter = connection.scalar(
                text("SELECT pg_get_serial_sequence(:table, :column)"),
                {"table": quote(table.name), "column": column.name},
            )
            if counter is not None:
                highest = f"SELECT max({quote(column.name)}) FROM {quote(table.name)}"
                connection.execute(text(f"SELECT setval(:counter, coalesce(({highest}), 1))"), {"counter": counter})


def _refer(connection: Connection, table: Table, name: str, path: Path) -> None:
    for line in _lines(path):
        row = _decoded(line, table)
        if row[name] is not None:
            this = (column == row[column.name] for column in table.primary_key.columns)
            connection.execute(update(table).where(*this).values({name: row[name]}))


def _batches(path: Path) -> Iterator[list[bytes]]:
    lines = _lines(path)
    while batch := list(islice(lines, _BATCH)):
        yield batch


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _binary(table: Table) -> frozenset[str]:
    return frozenset(column.name for column in table.columns if isinstance(column.type, LargeBinary))


def _encoded(row: Mapping[Any, Any], binary: frozenset[str]) -> dict[str, Any]:
    return {name: to_base64url(value) if name in binary and value is not None else value for name, value in row.items()}


def _decoded(line: bytes, table: Table) -> dict[str, Any]:
    binary = _binary(table)
    try:
        row = decode(line)
        if not isinstance(row, dict) or set(row) != set(table.columns.keys()):
            raise damaged(f"a row of {table.name} has other columns")
        return {
            name: from_base64url(value) if name in binary and value is not None else value
            for name, value in row.items()
        }
    except MalformedDocument as error:
        raise damaged(f"a row of {table.name} cannot be read") from error
