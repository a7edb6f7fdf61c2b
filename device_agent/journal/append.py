"""Adding to the journal: like denials fold, and the last room is kept for what must not be lost."""

from __future__ import annotations

from typing import Final

from device_agent.errors import JournalFull
from device_agent.journal.chain import FULL_BYTES, MAX_BYTES, RESERVE_BYTES, Chain, event_of
from device_agent.store import Connection
from licensing_protocol.canonical import JsonObject, digest, encode, to_base64url
from licensing_protocol.journal import Event, EventType
from licensing_protocol.time_bounds import TimeBounds

# A rule that looks for many denials in an hour must still see them in their hour.
_FOLD_S: Final = 3600
_FOLDED: Final = frozenset(
    {
        EventType.CAPABILITY_DENIED,
        EventType.ENTITLEMENT_REFUSED,
        EventType.STATUS_LIST_REFUSED,
        EventType.RECEIPT_IGNORED,
        EventType.TRUST_REFUSED,
        # Whoever holds the clock can set it as often as the agent looks, and must not fill the journal by that.
        EventType.CLOCK_JUMPED,
        EventType.CLOCK_ROLLED_BACK,
    }
)
# How far a clock went makes it no other event; of those that fold the farthest is kept.
_AMOUNT: Final = "seconds"
_TO_BE_REFUSED: Final = frozenset({EventType.CAPABILITY_DENIED, EventType.CAPABILITY_USED})


def append(connection: Connection, type: str, data: JsonObject, bounds: TimeBounds, boot: str, times: int = 1) -> Event:
    """Add an event inside ``store.write()``: it is durable when that block ends.

    ``data`` holds counts and hashes, never what the product saw. A denial, a refusal or what a clock did, with the same
    data (but for ``seconds``) as one of the same hour that no evidence carries yet, raises that one's ``count``, and
    sets its ``until`` (seconds, lower bound); ``times`` is how many there were.

    Raises:
        JournalFull: there is no room for it; nothing was added.
        MalformedDocument: as :meth:`licensing_protocol.journal.Event.to_bytes`.
    """
    likeness = _likeness(type, data)
    if likeness is not None:
        folded = _fold(connection, likeness, data, bounds, times)
        if folded is not None:
            return folded
        data = data | {"count": times}
    chain = Chain.read(connection)
    event = Event(chain.last + 1, str(type), bounds.lower, bounds.upper, boot, data)
    _refuse_beyond(chain, event, _bound(type))
    chain = _insert(connection, chain, event, likeness)
    if not chain.is_full and chain.bytes > FULL_BYTES:
        _record_fullness(connection, chain, bounds, boot)
    return event


def note(connection: Connection, type: str, data: JsonObject, bounds: TimeBounds, boot: str) -> Event | None:
    """As :func:`append`, but ``None`` where even the reserve is spent.

    For what happens in an exchange: it must go on, because it alone can empty the journal.
    """
    try:
        return append(connection, type, data, bounds, boot)
    except JournalFull:
        return None


def _bound(type: str) -> int:
    return MAX_BYTES - RESERVE_BYTES if type in _TO_BE_REFUSED or type not in set(EventType) else MAX_BYTES


def _refuse_beyond(chain: Chain, event: Event, bound: int) -> None:
    ordinary = bound < MAX_BYTES
    if (ordinary and chain.is_full) or chain.bytes + len(event.to_bytes()) > bound:
        raise JournalFull


def _record_fullness(connection: Connection, chain: Chain, bounds: TimeBounds, boot: str) -> None:
    data: JsonObject = {"events": chain.last - chain.covered}
    event = Event(chain.last + 1, str(EventType.JOURNAL_FULL), bounds.lower, bounds.upper, boot, data)
    full = _insert(connection, chain, event, None)
    Chain(full.last, full.covered, full.head, full.bytes, is_full=True).write(connection)


def _insert(connection: Connection, chain: Chain, event: Event, likeness: str | None) -> Chain:
    encoded = event.to_bytes()
    values = (event.sequence, event.type, event.lower, event.upper, event.boot, _text(event.data), likeness)
    connection.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    grown = Chain(event.sequence, chain.covered, chain.head, chain.bytes + len(encoded), chain.is_full)
    grown.write(connection)
    return grown


def _likeness(type: str, data: JsonObject) -> str | None:
    if type not in _FOLDED:
        return None
    same = {name: value for name, value in data.items() if name != _AMOUNT}
    return to_base64url(digest(encode([str(type), same])))


def _fold(connection: Connection, likeness: str, data: JsonObject, bounds: TimeBounds, times: int) -> Event | None:
    # What evidence already carries is fixed: its head was computed over it.
    row = connection.execute(
        "SELECT seq, type, lower, upper, boot, data FROM event WHERE likeness = ? AND lower > ?"
        " AND seq > coalesce((SELECT last FROM outbox), 0) ORDER BY seq DESC LIMIT 1",
        (likeness, bounds.lower - _FOLD_S),
    ).fetchone()
    if row is None:
        return None
    event = event_of(row)
    together = event.data | {"count": event.data["count"] + times, "until": bounds.lower}
    if _AMOUNT in data:
        together[_AMOUNT] = max(event.data[_AMOUNT], data[_AMOUNT], key=abs)
    folded = Event(event.sequence, event.type, event.lower, event.upper, event.boot, together)
    connection.execute("UPDATE event SET data = ? WHERE seq = ?", (_text(together), event.sequence))
    grown = len(folded.to_bytes()) - len(event.to_bytes())
    connection.execute("UPDATE chain SET bytes = bytes + ?", (grown,))
    return folded


def _text(data: JsonObject) -> str:
    return encode(data).decode("utf-8")
