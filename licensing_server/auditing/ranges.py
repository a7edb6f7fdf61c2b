"""The range proof: which entries stand from one index to another, all of them, against one checkpoint.

The text is ``interlock/range-proof/1``, a line each for ``begin`` and ``end`` (the index after the last), the hashes of
what lies outside the range from the left to the right, a blank line, and the checkpoint. The hashes are of the largest
subtrees of the tree (RFC 6962) that hold no entry of the range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.lines import decimal, hash_line, to_base64
from licensing_protocol.log.merkle import Range, left_width, node_hash, root_hash
from licensing_protocol.log.note import Note
from licensing_server.auditing.errors import Discrepancy

_FIRST_LINE: Final = "interlock/range-proof/1"
_MOST_HASHES: Final = 126
_CODE: Final = "range_proof.malformed"


@dataclass(frozen=True, slots=True)
class RangeProof:
    """Proves the entries from ``begin`` to before ``end``."""

    begin: int
    end: int
    hashes: tuple[bytes, ...]
    note: Note

    @classmethod
    def parse(cls, data: bytes) -> RangeProof:
        """Read a proof; MalformedDocument ``range_proof.malformed``, or as :meth:`Note.parse`."""
        head, blank, note = data.partition(b"\n\n")
        lines = head.decode("ascii", "replace").split("\n")
        names = [lines[0], *(line.partition(" ")[0] for line in lines[1:3])]
        if not blank or names != [_FIRST_LINE, "begin", "end"] or len(lines) > _MOST_HASHES + len(names):
            raise _malformed()
        begin, end = (decimal(line.partition(" ")[2], _CODE) for line in lines[1:3])
        hashes = tuple(hash_line(line, _CODE) for line in lines[3:])
        return cls(begin, end, hashes, Note.parse(note))

    def to_bytes(self) -> bytes:
        """Return what :meth:`parse` reads."""
        lines = [_FIRST_LINE, f"begin {self.begin}", f"end {self.end}", *map(to_base64, self.hashes)]
        return ("\n".join(lines) + "\n\n").encode() + self.note.to_bytes()

    def verify(self, leaves: Sequence[bytes], believe: Callable[[Note], Checkpoint]) -> Checkpoint:
        """Verify that these leaf hashes are all that the log holds in the range.

        Raises:
            InterlockError: as ``believe``; MalformedDocument; Discrepancy ``audit.range``.
        """
        checkpoint = believe(self.note)
        if not 0 <= self.begin < self.end <= checkpoint.size or len(leaves) != self.end - self.begin:
            raise _malformed()
        hashes = iter(self.hashes)
        root = self._root(0, checkpoint.size, leaves, hashes)
        if next(hashes, None) is not None:
            raise _malformed()
        if root != checkpoint.root:
            told = f"Entries {self.begin} to {self.end - 1} do not lead to the signed root"
            sentence = f"{told}: one was changed or left out."
            raise Discrepancy(sentence, code="audit.range", index=self.begin)
        return checkpoint

    def _root(self, begin: int, end: int, leaves: Sequence[bytes], hashes: Iterator[bytes]) -> bytes:
        if end <= self.begin or self.end <= begin:
            found = next(hashes, None)
            if found is None:
                raise _malformed()
            return found
        if self.begin <= begin and end <= self.end:
            return root_hash(leaves[begin - self.begin : end - self.begin])
        middle = begin + left_width(end - begin)
        left = self._root(begin, middle, leaves, hashes)
        return node_hash(left, self._root(middle, end, leaves, hashes))


def outer_ranges(begin: int, end: int, size: int) -> list[Range]:
    """Return the ranges whose roots a proof holds, from the left."""

    def walk(first: int, last: int) -> Iterator[Range]:
        if last <= begin or end <= first:
            yield first, last
        elif first < begin or end < last:
            middle = first + left_width(last - first)
            yield from walk(first, middle)
            yield from walk(middle, last)

    return list(walk(0, size))


def _malformed() -> MalformedDocument:
    sentence = f"A range proof begins with {_FIRST_LINE}, begin and end, and holds the hashes beside the range."
    return MalformedDocument(sentence, code="range_proof.malformed")
