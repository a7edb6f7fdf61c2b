"""What the store holds. One store is one device; a store written by a newer agent is left alone."""

from __future__ import annotations

from typing import Final

VERSION: Final = 1
APPLICATION: Final = 0x494C4B31

STATEMENTS: Final = (
    # Single facts: see device_agent/store/facts.py for their names.
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # Signed documents that the device believes, as they came. `etag` belongs to the server's answer.
    """CREATE TABLE document (
        kind TEXT NOT NULL, name TEXT NOT NULL, identity TEXT NOT NULL, text TEXT NOT NULL,
        etag TEXT NOT NULL DEFAULT '', PRIMARY KEY (kind, name))""",
    # High-water marks, each with the key that set it: a key that is no longer trusted takes its marks along (§2).
    """CREATE TABLE mark (
        name TEXT NOT NULL, kid TEXT NOT NULL, value INTEGER NOT NULL, identity TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (name, kid)) WITHOUT ROWID""",
    # What is known of the clocks (§5); the time marks were true at `boottime` of `boot`; these are in milliseconds.
    """CREATE TABLE clock (
        id INTEGER PRIMARY KEY CHECK (id = 1), boot TEXT NOT NULL, boot_count INTEGER NOT NULL,
        boottime INTEGER NOT NULL, least INTEGER NOT NULL, most INTEGER NOT NULL, lost INTEGER NOT NULL,
        granted INTEGER, epoch INTEGER NOT NULL, upper INTEGER, upper_kid TEXT)""",
    # The journal (§6): events that no receipt covers yet, and where the chain stands.
    """CREATE TABLE event (
        seq INTEGER PRIMARY KEY, type TEXT NOT NULL, lower INTEGER NOT NULL, upper INTEGER, boot TEXT NOT NULL,
        data TEXT NOT NULL, likeness TEXT)""",
    "CREATE INDEX event_likeness ON event (likeness) WHERE likeness IS NOT NULL",
    """CREATE TABLE chain (
        id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL, covered INTEGER NOT NULL,
        head BLOB NOT NULL, bytes INTEGER NOT NULL, is_full INTEGER NOT NULL)""",
    "CREATE TABLE usage (capability TEXT PRIMARY KEY, uses INTEGER NOT NULL, denials INTEGER NOT NULL) WITHOUT ROWID",
    # `slot` is when the quota's window began, in seconds: a number would change its meaning with a re-issue.
    """CREATE TABLE quota (
        id TEXT PRIMARY KEY, slot INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID""",
    "CREATE TABLE component (name TEXT PRIMARY KEY, digest BLOB NOT NULL, leaves TEXT NOT NULL) WITHOUT ROWID",
    # The one evidence that is under way, and what a receipt for it will cover. `boot` and `boottime` say when it was
    # made: in which start of the device, and at how many seconds.
    """CREATE TABLE outbox (
        id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL, text TEXT NOT NULL, receipt TEXT NOT NULL,
        last INTEGER NOT NULL, head BLOB NOT NULL, usage TEXT NOT NULL, boot TEXT NOT NULL,
        boottime INTEGER NOT NULL)""",
    # Enrolments that were sent or written out, by the digest of their token, until one of them is answered.
    """CREATE TABLE enrolment (
        token TEXT PRIMARY KEY, identity TEXT NOT NULL, text TEXT NOT NULL, boot TEXT NOT NULL,
        boottime INTEGER NOT NULL) WITHOUT ROWID""",
)
