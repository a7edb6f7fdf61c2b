"""The database: one declarative base, transactions that say whether they write, opaque ids."""

from licensing_server.database.base import Base, Instant, Json, table_of
from licensing_server.database.engine import Database, changed_one
from licensing_server.database.ids import new_id, new_secret, secret_hash
from licensing_server.database.locks import lock_alone, lock_beside
from licensing_server.database.wake import Listener

__all__ = [
    "Base",
    "Database",
    "Instant",
    "Json",
    "Listener",
    "changed_one",
    "lock_alone",
    "lock_beside",
    "new_id",
    "new_secret",
    "secret_hash",
    "table_of",
]
