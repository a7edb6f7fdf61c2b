"""A log that a test drives: it grows, and it can be made to tell another past."""

from __future__ import annotations

from dataclasses import dataclass, field

from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.merkle import consistency_ranges, leaf_hash, root_hash
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteSigner, SignatureType
from licensing_protocol.log.witness import AddCheckpoint

NOW = 1_800_000_000


@dataclass
class SimulatedLog:
    """``leaves`` are leaf hashes; ``head`` and ``request`` are of the tree over the first ``size`` of them."""

    origin: str = "exporter.example/log"
    key: SoftwareSigner = field(default_factory=SoftwareSigner.generate)
    leaves: list[bytes] = field(default_factory=list)

    @property
    def signer(self) -> NoteSigner:
        """Who signs its heads."""
        return NoteSigner(self.origin, SignatureType.ED25519, self.key)

    @property
    def vkey(self) -> str:
        """What witnesses are given."""
        return str(self.signer.key)

    def grow(self, count: int, past: str = "") -> SimulatedLog:
        """Add entries; another ``past`` gives other ones."""
        first = len(self.leaves)
        self.leaves += [leaf_hash(f"{past}{number}".encode()) for number in range(first, first + count)]
        return self

    def rewritten(self, past: str = "another ") -> SimulatedLog:
        """Return the log with the same key, size and origin, and other entries."""
        return SimulatedLog(self.origin, self.key).grow(len(self.leaves), past)

    def head(self, size: int | None = None) -> Note:
        """Return a signed checkpoint."""
        leaves = self.leaves[:size]
        text = Checkpoint(self.origin, len(leaves), root_hash(leaves)).text
        return Note(text, ()).signed(self.signer, NOW)

    def request(self, old: int, size: int | None = None) -> bytes:
        """Return what the log sends to a witness that has seen ``old`` leaves."""
        size = len(self.leaves) if size is None else size
        proof = (
            [root_hash(self.leaves[begin:end]) for begin, end in consistency_ranges(old, size)] if old <= size else []
        )
        return AddCheckpoint(old, tuple(proof), self.head(size)).to_bytes()
