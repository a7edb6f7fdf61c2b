"""Cases on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from licensing_server.web import Body, Reply


class CaseReply(Reply):
    """A case; ``log_index`` is the entry that opened it, times are seconds since the epoch, UTC."""

    id: str
    kind: str
    subject: str
    text: str
    state: str
    count: int
    opened_at: int
    last_at: int
    log_index: int
    acknowledged_by: str | None
    closed_by: str | None
    note: str | None


class Closing(Body):
    """What was found."""

    note: Annotated[str, Field(min_length=3, max_length=2000)]
