"""The newest measurement in the store: what a change is told by, and what evidence carries."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from device_agent.measurement.measure import Measured
from device_agent.store import Connection
from licensing_protocol.canonical import decode_object, encode
from licensing_protocol.errors import MalformedDocument


def read(connection: Connection) -> tuple[Measured, ...]:
    """Return the components as they were last measured."""
    rows = connection.execute("SELECT name, digest, leaves FROM component ORDER BY name")
    return tuple(Measured(name, digest, _leaves(leaves)) for name, digest, leaves in rows)


def _leaves(text: str) -> dict[str, str]:
    try:
        return decode_object(text.encode("utf-8"))
    except MalformedDocument:
        # Without them a change is told by its digests alone.
        return {}


def digests(connection: Connection) -> dict[str, bytes]:
    """Return their digests alone."""
    return dict(connection.execute("SELECT name, digest FROM component").fetchall())


def write(connection: Connection, measured: Iterable[Measured], named: Collection[str]) -> None:
    """Keep a measurement, inside ``store.write()``; components that the manifest does not name any more go."""
    for component in measured:
        leaves = encode(dict(component.leaves)).decode("utf-8")
        connection.execute(
            "INSERT OR REPLACE INTO component VALUES (?, ?, ?)", (component.name, component.digest, leaves)
        )
    for name in digests(connection).keys() - set(named):
        connection.execute("DELETE FROM component WHERE name = ?", (name,))
