"""What an auditor reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from licensing_protocol import canonical
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.note import Note
from licensing_server.audit_log.search import Wanted
from licensing_server.audit_log.tables import CommittedValue, LogCheckpoint, LogEntry
from licensing_server.audit_log.values import may_see
from licensing_server.web import Body, Identifier, Reply, Role


class ValueReply(Reply):
    """A value that the entry commits to. ``salt`` (base64url) and ``value`` are there where they are ``held``.

    ``erased`` is for ever; ``withheld`` means that another role sees it. The commitment is the member of the entry's
    ``data`` that is called ``field``.
    """

    field: str
    state: Literal["held", "erased", "withheld"]
    salt: str | None = None
    value: Any = None

    @classmethod
    def of(cls, value: CommittedValue, *, seen: bool) -> ValueReply:
        """Show one value, if it is ``seen``."""
        if value.salt is None or value.value is None:
            return cls(field=value.field, state="erased")
        if not seen:
            return cls(field=value.field, state="withheld")
        shown = canonical.decode(value.value.encode())
        return cls(field=value.field, state="held", salt=canonical.to_base64url(value.salt), value=shown)


class EntryReply(Reply):
    """One entry: ``body`` is base64url of the exact bytes, ``leaf`` of their RFC 6962 hash; the rest repeats the body.

    ``time`` is in seconds since the epoch, UTC. ``values`` lie beside the log.
    """

    index: int
    type: str
    time: int
    actor: str
    subject: str
    data: dict[str, Any]
    body: str
    leaf: str
    values: list[ValueReply]

    @classmethod
    def of(cls, entry: LogEntry, values: Sequence[CommittedValue], roles: Collection[Role]) -> EntryReply:
        """Show one row to people of these roles."""
        body = canonical.decode_object(entry.body)
        seen = may_see(roles, entry.type)
        return cls(
            index=entry.position or 0,
            type=entry.type,
            time=entry.time,
            actor=entry.actor,
            subject=entry.subject,
            data=body["data"],
            body=canonical.to_base64url(entry.body),
            leaf=canonical.to_base64url(entry.leaf),
            values=[ValueReply.of(value, seen=seen) for value in values],
        )


class ErasureBody(Body):
    """Why a value is erased; the reason is itself a value beside the log."""

    reason: Annotated[str, Field(min_length=10, max_length=2000)]


class CheckpointReply(Reply):
    """A signed head: ``note`` is its whole text with every signature; ``root`` is base64 as in the note."""

    origin: str
    size: int
    root: str
    time: int
    note: str

    @classmethod
    def of(cls, row: LogCheckpoint, note: Note) -> CheckpointReply:
        """Show one head."""
        head = Checkpoint.parse(note.text)
        return cls(
            origin=head.origin,
            size=head.size,
            root=to_base64(head.root),
            time=row.time,
            note=note.to_bytes().decode(),
        )


class GrowthReply(Reply):
    """The hashes (base64, RFC 6962 §2.1.2) that prove that the first ``size`` entries begin with the first ``old``."""

    old: int
    size: int
    proof: list[str]


class ExportBody(Body):
    """Which entries are taken out, and what becomes of them (``form``, such as `csv`).

    From ``begin`` to before ``end``, the present end of the log if absent; the rest is what `GET /v1/log/entries` asks.
    """

    form: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,20}$")]
    begin: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    end: Annotated[int | None, Field(ge=0, le=2**53 - 1)] = None
    type: Annotated[str | None, Field(max_length=64)] = None
    subject: Identifier | None = None
    actor: Identifier | None = None
    since: Annotated[int | None, Field(ge=0, le=2**53 - 1)] = None
    until: Annotated[int | None, Field(ge=0, le=2**53 - 1)] = None
    text: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    order: Identifier | None = None

    @property
    def wanted(self) -> Wanted:
        """What is looked for."""
        return Wanted(self.type, self.subject, self.actor, self.since, self.until, self.text, self.order)


class ExportReply(Reply):
    """An export that is in the log: its entries are read at `/v1/log/exports/{id}/entries`."""

    id: str
    begin: int
    end: int
