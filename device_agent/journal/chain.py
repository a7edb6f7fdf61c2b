"""Where the chain stands: its numbers, its heads, and what a receipt lets go of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from device_agent.errors import StoreUnreadable
from device_agent.store import Connection
from licensing_protocol.canonical import decode_object
from licensing_protocol.journal import MAX_EVENT_BYTES, Event, first_head, next_head

MAX_BYTES: Final = 8 * 1024 * 1024
# For what the agent itself must record when the product's own events have filled the journal.
RESERVE_BYTES: Final = 64 * 1024
# From here on an event of the product might not fit any more.
FULL_BYTES: Final = MAX_BYTES - RESERVE_BYTES - MAX_EVENT_BYTES
_COLUMNS: Final = "seq, type, lower, upper, boot, data"


@dataclass(frozen=True, slots=True)
class Chain:
    """``last`` is the number of the newest event, ``covered`` of the newest that a receipt covers, ``head`` after that.

    ``bytes`` counts what is held of uncovered events; ``is_full`` whether ``journal.full`` was recorded for them.
    """

    last: int
    covered: int
    head: bytes
    bytes: int
    is_full: bool

    @classmethod
    def read(cls, connection: Connection) -> Chain:
        """Read where the chain stands."""
        row = connection.execute("SELECT last, covered, head, bytes, is_full FROM chain").fetchone()
        if row is None:
            raise StoreUnreadable("its journal has no beginning")
        last, covered_to, head, held, is_full = row
        return cls(last, covered_to, head, held, bool(is_full))

    def write(self, connection: Connection) -> None:
        """Store where the chain stands."""
        values = (self.last, self.covered, self.head, self.bytes, self.is_full)
        connection.execute("UPDATE chain SET last = ?, covered = ?, head = ?, bytes = ?, is_full = ?", values)


def begin(connection: Connection, device_key: str) -> None:
    """Start the empty journal of a device key (a thumbprint), unless it was started before."""
    head = first_head(device_key)
    connection.execute("INSERT OR IGNORE INTO chain VALUES (1, 0, 0, ?, 0, 0)", (head,))


def unreceipted(connection: Connection) -> Iterator[Event]:
    """Yield the events that no receipt covers yet, oldest first."""
    for row in connection.execute(f"SELECT {_COLUMNS} FROM event ORDER BY seq"):
        yield event_of(row)


def heads(connection: Connection) -> Iterator[tuple[Event, bytes]]:
    """Yield each event that no receipt covers yet with the journal's head after it."""
    head = Chain.read(connection).head
    for event in unreceipted(connection):
        head = next_head(head, event)
        yield event, head


def prefix(connection: Connection, room: int, most: int) -> tuple[tuple[Event, ...], bytes]:
    """Return the longest prefix of uncovered events whose JSON list fits into ``room`` bytes, and the head after it.

    There are at most ``most`` of them.
    """
    events: list[Event] = []
    head = Chain.read(connection).head
    for event, after in heads(connection):
        # Its own bytes and the comma after it.
        room -= len(event.to_bytes()) + 1
        if room < 0 or len(events) == most:
            break
        events.append(event)
        head = after
    return tuple(events), head


def covered(connection: Connection, last: int, head: bytes) -> None:
    """Let go of the events up to ``last``: a receipt that covers them has been verified."""
    chain = Chain.read(connection)
    rows = connection.execute(f"SELECT {_COLUMNS} FROM event WHERE seq <= ?", (last,)).fetchall()
    held = chain.bytes - sum(len(event_of(row).to_bytes()) for row in rows)
    connection.execute("DELETE FROM event WHERE seq <= ?", (last,))
    Chain(chain.last, last, head, held, chain.is_full and held > FULL_BYTES).write(connection)


def event_of(row: tuple[Any, ...]) -> Event:
    """Read one row of the table ``event``, in the order of its columns."""
    sequence, type, lower, upper, boot, data = row
    return Event(sequence, type, lower, upper, boot, decode_object(data.encode("utf-8")))
