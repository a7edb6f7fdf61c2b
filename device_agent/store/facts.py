"""Single facts in the store, by name."""

from __future__ import annotations

import secrets
from enum import StrEnum

from device_agent.store.connection import Connection
from licensing_protocol.canonical import from_base64url, to_base64url

_SALT_BYTES = 32


class Fact(StrEnum):
    """The facts that there are; bytes are written as base64url."""

    DEVICE_KEY = "device_key"
    """Thumbprint of the key that this store belongs to."""
    RATCHET = "ratchet"
    """Parent of the next evidence."""
    NONCE = "nonce"
    """Nonce that the next evidence carries."""
    NOTICES = "notices"
    """Sentences for the device's operator, a JSON list."""
    REVISION = "revision"
    """Raised by every change of what the device believes."""
    SALT = "salt"
    """Makes the hashes of legal authorities and operators unguessable; it never leaves the device."""
    OPERATORS = "operators"
    """When each operator was first seen (seconds), by salted hash, a JSON object; it never leaves the device."""
    SIGHTINGS = "sightings"
    """The newest plausible position of each source in this start, a JSON object; it never leaves the device."""


def read(connection: Connection, fact: Fact) -> str | None:
    """Return a fact, or ``None`` where it is not known yet."""
    row = connection.execute("SELECT value FROM fact WHERE name = ?", (fact,)).fetchone()
    return None if row is None else str(row[0])


def write(connection: Connection, fact: Fact, value: str) -> None:
    """Replace a fact."""
    connection.execute("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", (fact, value))


def revision(connection: Connection) -> int:
    """Return the number that changes with what the device believes."""
    return int(read(connection, Fact.REVISION) or 0)


def raise_revision(connection: Connection) -> int:
    """Tell all processes that what the device believes has changed, and return the new number."""
    raised = revision(connection) + 1
    write(connection, Fact.REVISION, str(raised))
    return raised


def salt(connection: Connection) -> bytes:
    """Return the device's own salt, made on first use (inside ``write``)."""
    known = read(connection, Fact.SALT)
    if known is not None:
        return from_base64url(known)
    made = secrets.token_bytes(_SALT_BYTES)
    write(connection, Fact.SALT, to_base64url(made))
    return made
