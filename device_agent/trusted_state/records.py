"""How what the device believes lies in the store. What is read back is verified again by its caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final, NamedTuple

from device_agent.store import Connection
from device_agent.trusted_state.subject import Mark
from device_agent.trusted_state.time import TrustedTime, Upper
from device_agent.trusted_state.wall import WallClock

_TIME: Final = "time"
_STATUS: Final = "status:"
_ENTITLEMENT: Final = "entitlement"
_MOST_KEPT: Final = 16


class Kind(StrEnum):
    """Kinds of documents that are kept."""

    ENTITLEMENT = "entitlement"
    STATUS_LIST = "status_list"
    RECEIPT = "receipt"
    REFUSAL = "refusal"
    EQUIVOCATION = "equivocation"
    ROOT = "root"
    TARGETS = "targets"
    TRUST = "trust"


class Kept(NamedTuple):
    """One document as it lies in the store."""

    name: str
    identity: str
    text: str


def documents(connection: Connection, kind: Kind) -> list[Kept]:
    """Return all documents of a kind."""
    rows = connection.execute("SELECT name, identity, text FROM document WHERE kind = ? ORDER BY name", (kind,))
    return [Kept(*row) for row in rows]


def keep(connection: Connection, kind: Kind, document: Kept, etag: str = "") -> None:
    """Keep a document in the place of the one of that kind and name."""
    connection.execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?)", (kind, *document, etag))


def drop(connection: Connection, kind: Kind) -> None:
    """Drop all documents of a kind."""
    connection.execute("DELETE FROM document WHERE kind = ?", (kind,))


def keep_contradiction(connection: Connection, identity: str, text: str) -> None:
    """Keep the second of two documents that contradict each other: together with the first it is proof."""
    connection.execute(
        "INSERT OR IGNORE INTO document (kind, name, identity, text) SELECT ?, ?, ?, ?"
        " WHERE (SELECT count(*) FROM document WHERE kind = ?) < ?",
        (Kind.EQUIVOCATION, identity, identity, text, Kind.EQUIVOCATION, _MOST_KEPT),
    )


def let_go_of_lists(connection: Connection, needed: frozenset[str]) -> None:
    """Drop the status lists that no grant refers to."""
    for list_ in documents(connection, Kind.STATUS_LIST):
        if list_.name not in needed:
            connection.execute("DELETE FROM document WHERE kind = ? AND name = ?", (Kind.STATUS_LIST, list_.name))


def etag(connection: Connection, uri: str) -> str:
    """Return the ``ETag`` with which the held list of a shard came."""
    row = connection.execute(
        "SELECT etag FROM document WHERE kind = ? AND name = ?", (Kind.STATUS_LIST, uri)
    ).fetchone()
    return "" if row is None else str(row[0])


def entitlement_marks(connection: Connection) -> dict[str, Mark]:
    """Return the highest entitlement version that each key has set."""
    rows = connection.execute("SELECT kid, value, identity FROM mark WHERE name = ?", (_ENTITLEMENT,))
    return {kid: Mark(value, identity) for kid, value, identity in rows}


def status_marks(connection: Connection) -> dict[str, dict[str, Mark]]:
    """Return for each shard's URI the highest number that each key has set."""
    marks: dict[str, dict[str, Mark]] = {}
    rows = connection.execute("SELECT name, kid, value, identity FROM mark WHERE name LIKE ?", (_STATUS + "%",))
    for name, kid, value, identity in rows:
        marks.setdefault(name.removeprefix(_STATUS), {})[kid] = Mark(value, identity)
    return marks


def mark_entitlement(connection: Connection, kid: str, mark: Mark) -> None:
    """Keep the highest entitlement version of a key."""
    _mark(connection, _ENTITLEMENT, kid, mark)


def mark_status(connection: Connection, uri: str, kid: str, mark: Mark) -> None:
    """Keep the highest number that a key has set for a shard."""
    _mark(connection, _STATUS + uri, kid, mark)


def forget_marks(connection: Connection, trusted: Callable[[str], bool]) -> None:
    """Forget the marks of documents that keys set which are no longer trusted (protocol §2)."""
    kids = [kid for (kid,) in connection.execute("SELECT DISTINCT kid FROM mark WHERE name != ?", (_TIME,))]
    for kid in kids:
        if not trusted(kid):
            connection.execute("DELETE FROM mark WHERE kid = ? AND name != ?", (kid, _TIME))


def read_time(connection: Connection) -> TrustedTime | None:
    """Return what was known of the time when it was last kept; ``None`` in a new store."""
    row = connection.execute(
        "SELECT boot, boot_count, boottime, least, most, lost, granted, epoch, upper, upper_kid FROM clock"
    ).fetchone()
    if row is None:
        return None
    boot, boot_count, boottime, least, most, lost, granted, epoch, upper, upper_kid = row
    marks = connection.execute("SELECT kid, value FROM mark WHERE name = ?", (_TIME,))
    return TrustedTime(
        boot=boot,
        boot_count=boot_count,
        boottime=boottime,
        flushed=boottime,
        anchors={kid: value - boottime for kid, value in marks},
        wall=WallClock(least, most, bool(lost), granted, epoch),
        upper=None if upper is None else Upper(upper, upper_kid),
    )


def keep_time(connection: Connection, time: TrustedTime) -> TrustedTime:
    """Make the marks of time durable as of the newest reading; marks of keys that are forgotten go."""
    wall = time.wall
    upper, upper_kid = (None, None) if time.upper is None else (time.upper.at_boot, time.upper.kid)
    connection.execute(
        "INSERT OR REPLACE INTO clock (id, boot, boot_count, boottime, least, most, lost, granted, epoch, upper,"
        " upper_kid) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(time.boot, time.boot_count, time.boottime),
            *(wall.least, wall.most, wall.lost, wall.granted, wall.epoch),
            *(upper, upper_kid),
        ),
    )
    connection.execute("DELETE FROM mark WHERE name = ?", (_TIME,))
    for kid, anchor in time.anchors.items():
        _mark(connection, _TIME, kid, Mark(anchor + time.boottime, ""))
    return replace(time, flushed=time.boottime)


def _mark(connection: Connection, name: str, kid: str, mark: Mark) -> None:
    connection.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?)", (name, kid, mark.value, mark.identity))
