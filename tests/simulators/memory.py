"""A store in memory: the same tables, without a disk to wait for."""

from __future__ import annotations

import sqlite3

from device_agent.store import Connection, schema


def memory() -> Connection:
    """Return a connection to a new store."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in schema.STATEMENTS:
        connection.execute(statement)
    return connection
