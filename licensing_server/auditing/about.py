"""What a bundle says of itself to whoever opens it: what it proves, what it does not, and how to see for oneself."""

from __future__ import annotations

from typing import Final

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.lines import to_base64
from licensing_server.auditing.records import Query

_VERIFY: Final = """\
To see for yourself, on a machine of your own:

    pip install interlock
    interlock audit verify FOLDER --policy POLICY

FOLDER is this folder. POLICY says whose signatures you believe: take the log's public key from the exporter and the
witnesses' keys from the witnesses. The file "policy" here is the one with which the bundle was made; who gave you the
bundle could have changed it.
"""
_BOTH: Final = """\
It does not prove that what an entry says is true: only that the exporter entered it, that it stood there when the
checkpoint was signed, and that it has not been changed since. What is only a hash in an entry was kept out of the log
on purpose; the exporter may show you the value and its salt.
"""
_FOUND: Final = """\
It proves of each entry here that it is in the log, at its index, with exactly these bytes.

It does not prove that these are all entries that fit the query: others may have been left out. If that matters, ask
for a bundle of a whole range, which proves that nothing in it is missing.
"""
_RANGE: Final = """\
It proves that the entries from {begin} to {last} are exactly these, in this order, and that none of them is missing.

It says nothing about what stands before or after them.
"""


def about(checkpoint: Checkpoint, query: Query | None, begin: int, end: int) -> bytes:
    """Return the text for a bundle of a query, or without one of a range."""
    asked = "" if query is None else ", ".join(f"{name} {value}" for name, value in query.to_json().items())
    what = f"what was found for: {asked or 'everything'}" if query else f"all entries from {begin} to {end - 1}"
    proves = _FOUND if query else _RANGE.format(begin=begin, last=end - 1)
    head = (
        f"Evidence from the log {checkpoint.origin}: {what}.\n\n"
        f"Checkpoint: {checkpoint.size} entries, root {to_base64(checkpoint.root)}\n"
    )
    return "\n".join([head, "What this proves\n", proves, _BOTH, _VERIFY]).encode()
