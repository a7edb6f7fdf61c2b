"""Tiles: the tree and the entries of a log as files that never change (c2sp.org/tlog-tiles)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from licensing_protocol.errors import MalformedDocument, OversizedDocument

WIDTH: Final = 256
_LEVELS: Final = 64
_LEVEL_BITS: Final = 8
MAX_ENTRY_BYTES: Final = 65_535
_LENGTH_BYTES: Final = 2
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Tile:
    """Up to 256 neighbours: hashes of ``level``, or (``level`` ``None``) the entries themselves.

    ``index`` numbers the tiles of a level; one that is not full yet says how wide it is.
    """

    level: int | None
    index: int
    width: int = WIDTH

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Read ``tile/<level or entries>/<index>[.p/<width>]``; MalformedDocument ``tile.path`` for anything else."""
        match = _PATH.fullmatch(path)
        if match is not None:
            level = None if match["level"] == "entries" else int(match["level"])
            index = int(match["index"].replace("x", "").replace("/", ""))
            tile = cls(level, index, int(match["width"] or WIDTH))
            # Written again it is the same: no index with needless zeroes, and no partial tile that is full.
            if (level or 0) < _LEVELS and tile.width <= WIDTH and tile.path == path:
                return tile
        raise MalformedDocument("No tile has this path.", code="tile.path")

    @property
    def path(self) -> str:
        """What :meth:`parse` reads."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level is None else self.level}/{'/'.join(reversed(groups))}{partial}"

    @property
    def first(self) -> int:
        """Index, on its level, of the first hash or entry."""
        return self.index * WIDTH

    def is_of(self, size: int) -> bool:
        """Tell whether a tree of ``size`` leaves, or a larger one, holds all of the tile."""
        return self.first + self.width <= size >> (_LEVEL_BITS * (self.level or 0))


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield all tiles of a tree, the entries with their hashes first."""
    level = 0
    while size >> (_LEVEL_BITS * level):
        hashes = size >> (_LEVEL_BITS * level)
        for index in range(-(-hashes // WIDTH)):
            width = min(WIDTH, hashes - index * WIDTH)
            if not level:
                yield Tile(None, index, width)
            yield Tile(level, index, width)
        level += 1


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries as the tile that carries them: each after its length in two bytes.

    Raises:
        OversizedDocument: ``entry.oversized`` for one of more than 65,535 bytes (protocol §8).
    """
    return b"".join(map(_with_length, entries))


def unbundle(data: bytes, width: int) -> Sequence[bytes]:
    """Return the entries of a tile of this width; MalformedDocument ``tile.entries`` where they are not all there."""
    entries, at = [], 0
    try:
        for _ in range(width):
            begin = at + _LENGTH_BYTES
            at = begin + (data[at] << 8 | data[at + 1])
            entries.append(data[begin:at])
    except IndexError:
        at = -1
    if at != len(data):
        raise MalformedDocument(f"The tile does not hold {width} entries.", code="tile.entries")
    return entries


def _with_length(entry: bytes) -> bytes:
    if len(entry) > MAX_ENTRY_BYTES:
        raise OversizedDocument(f"A log entry has at most {MAX_ENTRY_BYTES} bytes.", code="entry.oversized")
    return len(entry).to_bytes(_LENGTH_BYTES, "big") + entry
