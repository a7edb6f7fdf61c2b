"""The tree over a log's entries, grown from the left, and where it first differs from the hashes that the log shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.log.merkle import HASH_BYTES, leaf_hash, root_hash
from licensing_protocol.log.tiles import MAX_ENTRY_BYTES, WIDTH, Tile
from licensing_server.auditing.source import Source, first_leaf

_LENGTH_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Stray:
    """The first entry whose hash is not the one that the log shows, in which file; ``reads`` where it can be read."""

    index: int
    place: str
    tile: str
    reads: bool
    belongs: int | None = None


@dataclass(slots=True)
class Tree:
    """Roots over 256 leaves each, the last over what is left: of the entries, and of the hashes that are shown.

    ``early`` are roots of smaller trees, by their size, for the sizes that were asked for.
    """

    wanted: frozenset[int] = frozenset()
    groups: list[bytes] = field(default_factory=list)
    shown: list[bytes] = field(default_factory=list)
    early: dict[int, bytes] = field(default_factory=dict)
    stray: Stray | None = None

    def take(self, source: Source, index: int, width: int) -> None:
        """Read one tile of entries and the hashes of their leaves."""
        hashes = source.hashes(Tile(0, index, width))
        tile = Tile(None, index, width)
        try:
            place, entries = source.entries(tile)
        except MalformedDocument:
            leaves, place, reads = _leaves_of_torn(source, tile), tile.path, False
        else:
            leaves, reads = [leaf_hash(entry) for entry in entries], True
        self._take(index, leaves, hashes, place, reads)

    def root(self) -> bytes:
        """Return the root over the entries."""
        return root_hash(self.groups)

    def root_shown(self) -> bytes:
        """Return the root over the hashes of leaves that the log shows."""
        return root_hash(self.shown)

    def _take(self, index: int, leaves: Sequence[bytes], hashes: bytes, place: str, reads: bool) -> None:
        group = root_hash(leaves)
        first = index * WIDTH
        for size in self.wanted.intersection(range(first + 1, first + len(leaves) + 1)):
            self.early[size] = root_hash([*self.groups, root_hash(leaves[: size - first])])
        self.groups.append(group)
        if reads and b"".join(leaves) == hashes:
            self.shown.append(group)
            return
        split = _split(hashes)
        self.shown.append(root_hash(split))
        if self.stray is None:
            self.stray = _first_stray(first, leaves, split, place, reads)


def root_above(source: Source, size: int) -> bytes:
    """Return the root over the hashes of level 1, as the log shows them, and over what is left of level 0."""
    whole, rest = divmod(size, WIDTH)
    groups = [found for index in range(-(-whole // WIDTH)) for found in _shown(source, 1, index, whole)]
    if rest:
        groups.append(root_hash(_shown(source, 0, whole, size)))
    return root_hash(groups)


def differing(source: Source, groups: Sequence[bytes], size: int) -> tuple[Tile, int] | None:
    """Return the first tile above the leaves that is not as it must be, and the first entry below what differs."""
    for tile, wanted in _upper_tiles(groups, size):
        found = source.hashes(tile)
        if found != wanted:
            pairs = zip(_split(found), _split(wanted), strict=True)
            number = next(number for number, (one, other) in enumerate(pairs) if one != other)
            return tile, first_leaf(tile) + number * WIDTH ** (tile.level or 0)
    return None


def _upper_tiles(groups: Sequence[bytes], size: int) -> Iterator[tuple[Tile, bytes]]:
    level, hashes = 1, list(groups[: size // WIDTH])
    while hashes:
        for index in range(-(-len(hashes) // WIDTH)):
            part = hashes[index * WIDTH : (index + 1) * WIDTH]
            yield Tile(level, index, len(part)), b"".join(part)
        whole = len(hashes) // WIDTH
        hashes = [root_hash(hashes[index * WIDTH : (index + 1) * WIDTH]) for index in range(whole)]
        level += 1


def _shown(source: Source, level: int, index: int, hashes: int) -> list[bytes]:
    return _split(source.hashes(Tile(level, index, min(WIDTH, hashes - index * WIDTH))))


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def _leaves_of_torn(source: Source, tile: Tile) -> list[bytes]:
    """Return the leaf hashes of what can be read of a tile whose lengths do not fit, to find where it ceases to."""
    data = source.find(tile.path) or source.find(Tile(None, tile.index).path) or b""
    leaves, at = list[bytes](), 0
    while at < len(data) and len(leaves) < tile.width:
        begin = at + _LENGTH_BYTES
        at = begin + int.from_bytes(data[at:begin], "big")
        leaves.append(leaf_hash(data[begin : min(at, begin + MAX_ENTRY_BYTES)]))
    return leaves


def _first_stray(first: int, leaves: Sequence[bytes], split: Sequence[bytes], place: str, reads: bool) -> Stray:
    same = (found == wanted for found, wanted in zip(leaves, split, strict=False))
    at = next((number for number, fits in enumerate(same) if not fits), min(len(leaves), len(split) - 1))
    found = leaves[at] if at < len(leaves) else b""
    elsewhere = found in split and split.index(found) != at
    belongs = first + split.index(found) if elsewhere else None
    return Stray(first + at, place, Tile(0, first // WIDTH, len(split)).path, reads, belongs)
