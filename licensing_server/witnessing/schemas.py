"""Witnesses on the wire."""

from __future__ import annotations

from licensing_server.web import Reply


class WitnessReply(Reply):
    """How one witness stands to the log; times are seconds since the epoch.

    ``state`` is `asked` until it first answered, `cosigned`, `failed` (nothing came that can be used), or `refused`: it
    has seen what the newest checkpoint does not follow from, a sign that the log shows two pasts. ``size`` is what it
    has cosigned.
    """

    name: str
    key: str
    url: str | None
    state: str
    told: str
    since: int | None
    size: int
    cosigned_at: int | None


class WitnessesReply(Reply):
    """``quorum_size`` is how many entries the newest checkpoint covers that the quorum has cosigned."""

    origin: str
    quorum: str | None
    quorum_size: int
    witnesses: list[WitnessReply]
