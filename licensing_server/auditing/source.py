"""Where the files of a log come from: by the paths of its URL space, whoever keeps them (c2sp.org/tlog-tiles)."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.log.merkle import HASH_BYTES
from licensing_protocol.log.note import Note
from licensing_protocol.log.tiles import MAX_ENTRY_BYTES, WIDTH, Tile, unbundle
from licensing_server.auditing.errors import Discrepancy, SourceUnreachable

CHECKPOINT: Final = "checkpoint"
# A full tile of the longest entries, each after its two bytes of length.
MOST_BYTES: Final = WIDTH * (MAX_ENTRY_BYTES + 2)


class Source(ABC):
    """Files by name. Nothing that comes out of one is believed."""

    @abstractmethod
    def find(self, path: str) -> bytes | None:
        """Return a file, ``None`` where there is none of this name.

        Raises:
            SourceUnreachable: neither can be said.
        """

    def names(self, folder: str) -> Sequence[str]:
        """Return the files of a folder, as far as that can be told: a server lists none."""
        return ()

    def read(self, path: str) -> bytes:
        """Return a file that must be there; Discrepancy ``audit.missing``."""
        data = self.find(path)
        if data is None:
            raise Discrepancy(f"{path} is missing.", code="audit.missing", place=path)
        return data

    def note(self, path: str = CHECKPOINT) -> Note:
        """Read a signed note; Discrepancy with the code of what is wrong with it."""
        try:
            return Note.parse(self.read(path))
        except MalformedDocument as error:
            raise Discrepancy.at(path, error) from error

    def hashes(self, tile: Tile) -> bytes:
        """Return the hashes of a tile, one after another; Discrepancy ``audit.missing``, ``audit.tile_length``."""
        path, data = self._tile(tile)
        wanted = tile.width * HASH_BYTES
        if len(data) != (wanted if path == tile.path else WIDTH * HASH_BYTES):
            sentence = f"{path} is not as long as a tile of hashes is: it was cut off or added to."
            raise Discrepancy(sentence, code="audit.tile_length", place=path, index=first_leaf(tile))
        return data[:wanted]

    def entries(self, tile: Tile) -> tuple[str, Sequence[bytes]]:
        """Return the path of a tile of entries and its entries.

        Raises:
            MalformedDocument: ``tile.entries``. Discrepancy: ``audit.missing``.
        """
        path, data = self._tile(tile)
        return path, unbundle(data, tile.width if path == tile.path else WIDTH)[: tile.width]

    def _tile(self, tile: Tile) -> tuple[str, bytes]:
        """Return a tile; a partial one may be gone once the full one is there."""
        data = self.find(tile.path)
        if data is not None:
            return tile.path, data
        full = Tile(tile.level, tile.index).path
        data = None if full == tile.path else self.find(full)
        if data is None:
            sentence = f"{tile.path} is missing: a log shows every entry and every hash below its checkpoint."
            raise Discrepancy(sentence, code="audit.missing", place=tile.path, index=first_leaf(tile))
        return full, data


class Folder(Source):
    """A folder that has the layout of a log's URL space."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise SourceUnreachable(f"{path} is no folder; name a folder, or a log's address.")
        self._path = path

    def find(self, path: str) -> bytes | None:
        """Read a file below the folder."""
        try:
            with open(self._path / path, "rb", buffering=0, opener=_at_once) as file:
                data = file.read(min(os.fstat(file.fileno()).st_size, MOST_BYTES) + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(self._path / path, error) from error
        if len(data) > MOST_BYTES:
            raise Discrepancy(f"{path} is larger than any file of a log.", code="audit.oversized", place=path)
        return data

    def names(self, folder: str) -> Sequence[str]:
        """List a folder below the folder."""
        try:
            return sorted(found.name for found in (self._path / folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise _unreadable(self._path / folder, error) from error


def first_leaf(tile: Tile) -> int:
    """Return the index of the first entry below a tile."""
    first: int = tile.first * WIDTH ** (tile.level or 0)
    return first


def _at_once(path: str, flags: int) -> int:
    # What somebody handed over may be a pipe, at whose other end nobody ever writes.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _unreadable(path: Path, error: OSError) -> SourceUnreachable:
    return SourceUnreachable(f"{path}: {(error.strerror or 'it cannot be read').lower()}.")
