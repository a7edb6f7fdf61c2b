"""What an auditor reads."""

from __future__ import annotations

from typing import Any

from licensing_protocol import canonical
from licensing_server.audit_log.tables import LogEntry
from licensing_server.web import Reply


class EntryReply(Reply):
    """One entry: ``body`` is base64url of the exact bytes, ``leaf`` of their RFC 6962 hash; the rest repeats the body.

    ``time`` is in seconds since the epoch, UTC.
    """

    index: int
    type: str
    time: int
    actor: str
    subject: str
    data: dict[str, Any]
    body: str
    leaf: str

    @classmethod
    def of(cls, entry: LogEntry) -> EntryReply:
        """Show one row."""
        body = canonical.decode_object(entry.body)
        return cls(
            index=entry.position or 0,
            type=entry.type,
            time=entry.time,
            actor=entry.actor,
            subject=entry.subject,
            data=body["data"],
            body=canonical.to_base64url(entry.body),
            leaf=canonical.to_base64url(entry.leaf),
        )
