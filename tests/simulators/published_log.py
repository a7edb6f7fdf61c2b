"""A log as its keeper publishes it: entries, tree and signed checkpoints, as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from licensing_protocol.canonical import encode
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.log import merkle, tiles
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteSigner, SignatureType
from licensing_protocol.log.policy import Policy
from licensing_protocol.log.tiles import Tile
from licensing_server.auditing import Source

BEGUN = 1_772_000_000


class PublishedLog:
    """Signs and writes what it is told to, whether it is true or not."""

    def __init__(
        self, entries: Sequence[bytes] = (), *, origin: str = "exporter.example/log", witnesses: int = 1
    ) -> None:
        self.entries = list(entries)
        self._hashed: list[bytes] = []
        self.origin = origin
        self.log = NoteSigner(origin, SignatureType.ED25519, SoftwareSigner.generate())
        self.witnesses = [
            NoteSigner(f"witness{number}.example", SignatureType.COSIGNATURE, SoftwareSigner.generate())
            for number in range(witnesses)
        ]

    @property
    def policy_text(self) -> str:
        """A policy that asks for every witness."""
        lines = [f"log {self.log.key}", *(f"witness w{at} {found.key}" for at, found in enumerate(self.witnesses))]
        names = " ".join(f"w{at}" for at in range(len(self.witnesses)))
        lines += [f"group all-of-them all {names}", "quorum all-of-them"] if names else ["quorum none"]
        return "\n".join(lines) + "\n"

    @property
    def policy(self) -> Policy:
        """The same, read."""
        return Policy.parse(self.policy_text.encode())

    def root(self, size: int | None = None) -> bytes:
        """The root over the first entries."""
        return merkle.root_hash(self._leaves(size))

    def note(self, size: int | None = None, *, root: bytes | None = None, now: int = BEGUN) -> Note:
        """A checkpoint, signed and cosigned; of any root."""
        size = len(self.entries) if size is None else size
        checkpoint = Checkpoint(self.origin, size, self.root(size) if root is None else root)
        note = Note(checkpoint.text, ()).signed(self.log, now)
        for witness in self.witnesses:
            note = note.signed(witness, now)
        return note

    def files(self, size: int | None = None) -> dict[str, bytes]:
        """Every file of the log of that size, by its path."""
        size = len(self.entries) if size is None else size
        leaves = self._leaves(size)
        made = {"checkpoint": self.note(size).to_bytes(), "policy": self.policy_text.encode()}
        for tile in tiles.tiles_of(size):
            made[tile.path] = self._tile(tile, leaves)
        return made

    def write(self, folder: Path, size: int | None = None) -> Path:
        """Write every file below a folder."""
        for path, data in self.files(size).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder

    def _leaves(self, size: int | None) -> list[bytes]:
        self._hashed += [merkle.leaf_hash(entry) for entry in self.entries[len(self._hashed) :]]
        return self._hashed[:size]

    def _tile(self, tile: Tile, leaves: Sequence[bytes]) -> bytes:
        if tile.level is None:
            return tiles.bundle(self.entries[tile.first : tile.first + tile.width])
        span = tiles.WIDTH**tile.level
        begins = range(tile.first * span, (tile.first + tile.width) * span, span)
        return b"".join(merkle.root_hash(leaves[begin : begin + span]) for begin in begins)


def entry(number: int, **changes: Any) -> bytes:
    """An entry as the server writes them."""
    body = {
        "v": 1,
        "type": "device.tagged",
        "time": BEGUN + number,
        "actor": f"person_{number % 3}",
        "subject": f"device_{number % 7}",
        "data": {"number": number},
    }
    return encode(body | changes)


def entries(count: int) -> list[bytes]:
    """As many entries."""
    return [entry(number) for number in range(count)]


def another(byte: int) -> int:
    """A byte of the same kind: for a digit a digit, for anything else a letter."""
    return byte ^ 1 if chr(byte) in "0123456789" else ord("B") if byte == ord("A") else ord("A")


class Files(Source):
    """Files in memory, in whose bytes a test may do what it likes."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    def find(self, path: str) -> bytes | None:
        """Return what lies there."""
        return self.files.get(path)

    def change(self, path: str, at: int, mask: int = 1) -> None:
        """Flip bits of one byte."""
        data = bytearray(self.files[path])
        data[at] ^= mask
        self.files[path] = bytes(data)
