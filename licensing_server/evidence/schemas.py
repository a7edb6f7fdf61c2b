"""What staff read of evidence."""

from __future__ import annotations

from typing import Any

from licensing_server.web import Reply


class EvidenceReply(Reply):
    """One evidence: ``text`` is the signed document, ``appraisal`` what the server made of it."""

    identity: str
    device: str
    received_at: int
    first: int
    last: int
    appraisal: dict[str, Any]
    text: str


class EventReply(Reply):
    """One event of a device's journal; its time lies between ``lower`` and ``upper`` (seconds, UTC)."""

    sequence: int
    type: str
    lower: int
    upper: int | None
    data: dict[str, Any]
    evidence: str


class ForkReply(Reply):
    """Proof of a fork: the identity of the evidence accepted first, and the second evidence whole."""

    identity: str
    device: str
    first: str
    text: str
    received_at: int
