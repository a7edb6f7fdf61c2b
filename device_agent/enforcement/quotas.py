"""Uses taken from a quota, on disk before they are handed out (protocol §3 ``quota``).

Nothing refills a quota: not a restart, not a re-issue under the same id, not a clock. What was taken and never handed
out can be given back, within its window. A window ends only when the lower bound of time has passed its end.
"""

from __future__ import annotations

from device_agent.store import Connection
from licensing_protocol.limits import Quota


def standing(connection: Connection, quota: Quota, lower: int) -> tuple[int, int]:
    """Return when the window of ``lower`` began (seconds, a lower bound), and the uses taken from it."""
    begins, taken = _held(connection, quota.id)
    begin = _begin(quota, lower)
    # Even a lower bound that fell finds the newest window, not a fresh one.
    return (begins, taken) if begin <= begins else (begin, 0)


def take(connection: Connection, quota: Quota, lower: int, uses: int = 1) -> int:
    """Take uses, inside ``store.write()``: they are spent when that block ends, whatever becomes of the process.

    Returned is when their window began.
    """
    begins, taken = standing(connection, quota, lower)
    _hold(connection, quota.id, begins, taken + uses)
    return begins


def give_back(connection: Connection, id: str, begins: int, uses: int) -> None:
    """Give back uses that were taken from the window which began then, inside ``store.write()``.

    A store that has begun another window keeps it as it is, and so does one that does not know of so many.
    """
    newest, taken = _held(connection, id)
    if newest == begins and taken >= uses:
        _hold(connection, id, begins, taken - uses)


def _held(connection: Connection, id: str) -> tuple[int, int]:
    row = connection.execute("SELECT slot, used FROM quota WHERE id = ?", (id,)).fetchone()
    return (-1, 0) if row is None else (int(row[0]), int(row[1]))


def _hold(connection: Connection, id: str, begins: int, taken: int) -> None:
    connection.execute("INSERT OR REPLACE INTO quota (id, slot, used) VALUES (?, ?, ?)", (id, begins, taken))


def _begin(quota: Quota, lower: int) -> int:
    """Return when the window began (seconds): unlike its number, that survives a re-issue with another length."""
    window = quota.window(lower)
    if window.ends is None:
        # A total begins once, whatever anchor a later issue gives it.
        return 0
    return window.ends - (window.ends - quota.anchor) // (window.index + 1)
