"""A monitor: remembers what a log has shown, and takes only what grew from it, for ever.

What is remembered is the newest checkpoint, and the hashes of the perfect subtrees that make up its tree. They are
enough to grow the tree by new entries alone, each of which is hashed once in the life of a monitor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import BrokenChain, MalformedDocument
from licensing_protocol.log.checkpoint import Checkpoint, refuse_contradiction
from licensing_protocol.log.lines import hash_line, to_base64
from licensing_protocol.log.merkle import EMPTY_ROOT, Frontier, fold, leaf_hash, subtrees
from licensing_protocol.log.note import Note
from licensing_protocol.log.proof import verify_consistency
from licensing_protocol.log.tiles import WIDTH, Tile
from licensing_server.auditing.errors import Discrepancy
from licensing_server.auditing.proofs import Prover
from licensing_server.auditing.source import CHECKPOINT, Source
from licensing_server.auditing.verify import Believe, Head, Told, believed, of_other_log

_CODE = "audit.state"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a monitor remembers of a log; of none at first."""

    origin: str = ""
    size: int = 0
    edge: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The root of the tree that was seen."""
        return fold(self.edge) if self.size else EMPTY_ROOT

    @classmethod
    def parse(cls, value: JsonObject) -> Seen:
        """Read what :meth:`to_json` wrote; MalformedDocument ``audit.state``."""
        origin, size, edge = (value.get(name) for name in ("origin", "size", "edge"))
        if not isinstance(origin, str) or type(size) is not int or size < 0 or not isinstance(edge, list):
            raise _state()
        hashes = tuple(hash_line(text if isinstance(text, str) else "", _CODE) for text in edge)
        if len(hashes) != len(list(subtrees(0, size))):
            raise _state()
        return cls(origin, size, hashes)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"v": 1, "origin": self.origin, "size": self.size, "edge": list(map(to_base64, self.edge))}

    def grown(self, origin: str, leaves: Iterable[bytes]) -> Seen:
        """Return it with more leaf hashes."""
        frontier = Frontier(self.size, self.edge)
        frontier.grow(leaves)
        return Seen(origin, frontier.size, frontier.edge)


class SplitView(Discrepancy):
    """A log that does not stand by what it showed, before or to others.

    ``shown`` and ``held`` are the evidence; without a ``held`` one it is the newest that is remembered.
    """

    def __init__(self, sentence: str, *, code: str, place: str, shown: Note, held: Note | None = None) -> None:
        super().__init__(sentence, code=code, place=place)
        self.shown = shown
        self.held = held


@dataclass(frozen=True, slots=True)
class Step:
    """What one look at a log found: its checkpoint, what is known now, and of the entries from ``begin`` on, which are
    new, the leaf hashes, and the last one itself.
    """

    checkpoint: Checkpoint
    note: Note
    seen: Seen
    begin: int
    leaves: tuple[bytes, ...] = field(repr=False, default=())
    last: bytes | None = field(repr=False, default=None)


def look(
    source: Source,
    believe: Believe,
    seen: Seen,
    *,
    by_word: Believe | None = None,
    told: Told = lambda done, of: None,
) -> Step:
    """Look at a log that was ``seen`` before, and verify that it only grew: each new entry is hashed.

    ``by_word`` believes whatever the log signed. Nothing is taken on that, but the log must stand by it.

    Raises:
        SplitView: the log shows another history than before. Discrepancy: what it shows now does not fit together.
        SourceUnreachable.
    """
    note = source.note()
    checkpoint = believed(Head(CHECKPOINT, note), by_word or believe)
    try:
        _refuse_other(checkpoint, seen)
        _refuse_unseen(source, believe, note, seen)
        leaves, last = _hashed(bodies(source, checkpoint.size, seen.size, checkpoint.size, told))
        grown = seen.grown(checkpoint.origin, leaves)
        if grown.root != checkpoint.root:
            # Either the history is another one, or the new entries are not those that were signed.
            verify_consistency(seen.size, seen.root, checkpoint.size, checkpoint.root, _growth(source, note, seen.size))
            sentence = f"Entries from {seen.size} to {checkpoint.size - 1} do not lead to the signed root."
            raise Discrepancy(sentence, code="audit.root", place=CHECKPOINT, index=seen.size)
    except BrokenChain as error:
        sentence = f"The log does not stand by what it showed before: {error}"
        raise SplitView(sentence, code=error.code, place=CHECKPOINT, shown=note) from error
    return Step(checkpoint, note, grown, seen.size, leaves, last)


def compare(source: Source, by_word: Believe, step: Step, heads: Sequence[Head]) -> None:
    """Hold checkpoints that others saw against the log as it was just seen.

    Raises:
        SplitView: somebody was shown another log. Discrepancy: a checkpoint that counts for nothing.
    """
    for head in heads:
        other = believed(head, by_word)
        if other.origin != step.checkpoint.origin:
            raise of_other_log(head.place, other, step.checkpoint)
        try:
            _refuse_other_head(source, other, step)
        except BrokenChain as error:
            sentence = f"{head.place} is not of the log that is shown here: {error}"
            raise SplitView(sentence, code=error.code, place=head.place, shown=head.note, held=step.note) from error


def _hashed(entries: Iterable[bytes]) -> tuple[tuple[bytes, ...], bytes | None]:
    """Return the leaf hashes of entries, and the last entry itself."""
    leaves: list[bytes] = []
    last = None
    for last in entries:
        leaves.append(leaf_hash(last))
    return tuple(leaves), last


def _refuse_other(checkpoint: Checkpoint, seen: Seen) -> None:
    if seen.origin and checkpoint.origin != seen.origin:
        sentence = f"This folder follows the log {seen.origin!r}, and here is {checkpoint.origin!r}."
        raise Discrepancy(sentence, code="audit.origin", place=CHECKPOINT)
    if checkpoint.size < seen.size:
        sentence = f"it has shrunk from {seen.size} entries to {checkpoint.size}."
        raise BrokenChain(sentence, code="audit.shrunk")
    refuse_contradiction(checkpoint, Checkpoint(seen.origin, seen.size, seen.root))


def _refuse_unseen(source: Source, believe: Believe, note: Note, seen: Seen) -> None:
    """Refuse a head that too few have seen; where it is of another history besides, that is what is told."""
    try:
        believed(Head(CHECKPOINT, note), believe)
    except Discrepancy:
        now = Checkpoint.parse(note.text)
        verify_consistency(seen.size, seen.root, now.size, now.root, _growth(source, note, seen.size))
        raise


def _refuse_other_head(source: Source, other: Checkpoint, step: Step) -> None:
    ours = step.checkpoint
    refuse_contradiction(other, ours)
    if other.size > ours.size:
        raise BrokenChain(f"it signs {other.size} entries, and here are {ours.size}.", code="audit.shrunk")
    verify_consistency(other.size, other.root, ours.size, ours.root, _growth(source, step.note, other.size))


def _growth(source: Source, note: Note, old: int) -> list[bytes]:
    return Prover(source, note).growth(old)


def bodies(source: Source, size: int, begin: int, end: int, told: Told = lambda done, of: None) -> Iterator[bytes]:
    """Yield the entries of a log of ``size``, from ``begin`` to before ``end``; Discrepancy where a tile is torn."""
    for first in range(begin - begin % WIDTH, end, WIDTH):
        tile = Tile(None, first // WIDTH, min(WIDTH, size - first))
        try:
            found = source.entries(tile)[1]
        except MalformedDocument as error:
            raise Discrepancy(str(error), code=error.code, place=tile.path, index=tile.first) from error
        yield from found[max(0, begin - first) : end - first]
        told(min(first + WIDTH, end), end)


def _state() -> MalformedDocument:
    return MalformedDocument("What this monitor remembers cannot be read; restore it, or begin anew.", code=_CODE)
