"""Uses taken from a quota, on disk before they are handed out (protocol §3 ``quota``).

Nothing gives a use back: not a restart, not a re-issue under the same id, not a clock. A window ends only when the
lower bound of time has passed its end.
"""

from __future__ import annotations

from device_agent.store import Connection
from licensing_protocol.limits import Quota


def used(connection: Connection, quota: Quota, lower: int) -> int:
    """Return the uses taken from the window of ``lower`` (seconds, a lower bound)."""
    begins, taken = _held(connection, quota)
    return taken if _begin(quota, lower) <= begins else 0


def take(connection: Connection, quota: Quota, lower: int) -> None:
    """Take one use, inside ``store.write()``: it is spent when that block ends, whatever becomes of the process."""
    begins, taken = _held(connection, quota)
    begin = _begin(quota, lower)
    values = (quota.id, begin, 1) if begin > begins else (quota.id, begins, taken + 1)
    connection.execute("INSERT OR REPLACE INTO quota (id, slot, used) VALUES (?, ?, ?)", values)


def _held(connection: Connection, quota: Quota) -> tuple[int, int]:
    row = connection.execute("SELECT slot, used FROM quota WHERE id = ?", (quota.id,)).fetchone()
    return (-1, 0) if row is None else (int(row[0]), int(row[1]))


def _begin(quota: Quota, lower: int) -> int:
    """Return when the window began (seconds): unlike its number, that survives a re-issue with another length."""
    window = quota.window(lower)
    if window.ends is None:
        # A total begins once, whatever anchor a later issue gives it.
        return 0
    return window.ends - (window.ends - quota.anchor) // (window.index + 1)
