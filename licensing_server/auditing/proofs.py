"""Makes proofs from the hashes that a log shows: that an entry is in it, that it grew, that a range of it is whole."""

from __future__ import annotations

from typing import Final

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.merkle import (
    HASH_BYTES,
    Subtree,
    consistency_ranges,
    hashes_of,
    inclusion_ranges,
    root_hash,
)
from licensing_protocol.log.note import Note
from licensing_protocol.log.tiles import WIDTH, Tile
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_server.auditing.errors import Discrepancy
from licensing_server.auditing.ranges import RangeProof, outer_ranges
from licensing_server.auditing.source import CHECKPOINT, Source

_LEVEL_BITS: Final = 8


class Prover:
    """Proves things about a log of one size. What it makes is worth something only once it is verified."""

    def __init__(self, source: Source, note: Note) -> None:
        self.note = note
        self.size = Checkpoint.parse(note.text).size
        self._source = source
        self._tiles: dict[Tile, bytes] = {}

    def inclusion(self, index: int) -> TlogProof:
        """Return the proof that an entry is in the log; Discrepancy ``audit.index`` where it has none there."""
        if index >= self.size:
            sentence = f"The log has {self.size} entries, counted from 0: none at {index}."
            raise Discrepancy(sentence, code="audit.index", place=CHECKPOINT)
        hashes = hashes_of(inclusion_ranges(index, self.size), self._hash)
        return TlogProof(index, tuple(hashes), self.note)

    def growth(self, old: int) -> list[bytes]:
        """Return the proof that the log begins with its first ``old`` entries."""
        return hashes_of(consistency_ranges(old, self.size), self._hash)

    def range(self, begin: int, end: int) -> RangeProof:
        """Return the proof of which entries stand from ``begin`` to before ``end``."""
        return RangeProof(begin, end, tuple(hashes_of(outer_ranges(begin, end, self.size), self._hash)), self.note)

    def _hash(self, subtree: Subtree) -> bytes:
        """Return the hash of a perfect subtree: from the hashes below it, on the level of its tile."""
        level, within = divmod(subtree[0], _LEVEL_BITS)
        begin = subtree[1] << within
        tile = begin // WIDTH
        width = min(WIDTH, (self.size >> (_LEVEL_BITS * level)) - tile * WIDTH)
        data = self._read(Tile(level, tile, width))
        first = (begin - tile * WIDTH) * HASH_BYTES
        part = data[first : first + (HASH_BYTES << within)]
        return root_hash([part[at : at + HASH_BYTES] for at in range(0, len(part), HASH_BYTES)])

    def _read(self, tile: Tile) -> bytes:
        if tile not in self._tiles:
            self._tiles[tile] = self._source.hashes(tile)
        return self._tiles[tile]
