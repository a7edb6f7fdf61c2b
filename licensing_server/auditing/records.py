"""Entries as an auditor reads them, and which of them a query asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from licensing_protocol.canonical import JsonObject, decode_object
from licensing_protocol.errors import InterlockError
from licensing_protocol.log.merkle import leaf_hash, root_hash
from licensing_protocol.log.tiles import WIDTH, Tile
from licensing_server.auditing.errors import Discrepancy
from licensing_server.auditing.source import Source
from licensing_server.auditing.verify import Verified

_TEXTS = ("type", "actor", "subject")


@dataclass(frozen=True, slots=True)
class Record:
    """One entry: its exact bytes, and what they say. ``time`` in seconds."""

    index: int
    body: bytes
    type: str
    time: int
    actor: str
    subject: str
    data: JsonObject

    @classmethod
    def parse(cls, index: int, body: bytes) -> Record:
        """Read an entry (protocol §8); Discrepancy ``audit.unreadable``."""
        try:
            entry = decode_object(body)
        except InterlockError as error:
            raise _unreadable(index) from error
        texts = [entry.get(name) for name in _TEXTS]
        time, data = entry.get("time"), entry.get("data")
        if not all(isinstance(text, str) for text in texts) or type(time) is not int or not isinstance(data, dict):
            raise _unreadable(index)
        kind, actor, subject = map(str, texts)
        return cls(index, body, kind, time, actor, subject, data)

    @property
    def leaf(self) -> bytes:
        """The hash of its leaf."""
        return leaf_hash(self.body)

    @property
    def order(self) -> str | None:
        """The order that the entry is about, itself or by its data."""
        if self.type.startswith("order."):
            return self.subject
        found = self.data.get("order")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; all that is given must fit. ``type`` is exact, or a family that ends in a dot."""

    actor: str | None = None
    subject: str | None = None
    type: str | None = None
    since: int | None = None
    until: int | None = None
    text: str | None = None
    order: str | None = None

    def fits(self, record: Record) -> bool:
        """Tell whether an entry is asked for; ``until`` is the first instant that is not."""
        kind = self.type is None or record.type == self.type
        family = self.type is not None and self.type.endswith(".") and record.type.startswith(self.type)
        return (
            (kind or family)
            and self.actor in {None, record.actor}
            and self.subject in {None, record.subject}
            and self.order in {None, record.order}
            and (self.since is None or self.since <= record.time)
            and (self.until is None or record.time < self.until)
            and (self.text is None or self.text.casefold() in record.body.decode("utf-8", "replace").casefold())
        )

    def to_json(self) -> dict[str, Any]:
        """Return what is given."""
        return {found.name: value for found in fields(self) if (value := getattr(self, found.name)) is not None}


def records(source: Source, verified: Verified, begin: int = 0, end: int | None = None) -> Iterator[Record]:
    """Yield the entries of a log that was verified, from ``begin`` to before ``end``.

    Raises:
        Discrepancy: ``audit.moved`` where they are not those that were verified; ``audit.unreadable``.
    """
    size = verified.checkpoint.size
    end = size if end is None else min(end, size)
    for first in range(begin - begin % WIDTH, end, WIDTH):
        for index, body in enumerate(_bodies(source, verified, first), first):
            if begin <= index < end:
                yield Record.parse(index, body)


def _bodies(source: Source, verified: Verified, first: int) -> list[bytes]:
    tile = Tile(None, first // WIDTH, min(WIDTH, verified.checkpoint.size - first))
    try:
        bodies = list(source.entries(tile)[1])
    except InterlockError as error:
        raise _moved(tile) from error
    if root_hash([leaf_hash(body) for body in bodies]) != verified.groups[tile.index]:
        raise _moved(tile)
    return bodies


def _moved(tile: Tile) -> Discrepancy:
    sentence = f"{tile.path} was verified, and has been changed since; verify the log again."
    return Discrepancy(sentence, code="audit.moved", place=tile.path, index=tile.first)


def _unreadable(index: int) -> Discrepancy:
    sentence = f"Entry {index} is the one that was signed, and is no entry of this kind of log."
    return Discrepancy(sentence, code="audit.unreadable", index=index)
