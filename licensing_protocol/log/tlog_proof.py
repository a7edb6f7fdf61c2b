"""A proof that can be carried about: index, inclusion proof and checkpoint in one text (c2sp.org/tlog-proof)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from licensing_protocol.errors import MalformedDocument, OversizedDocument
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.lines import decimal, from_base64, hash_line, to_base64
from licensing_protocol.log.merkle import leaf_hash
from licensing_protocol.log.note import MAX_BYTES as MAX_NOTE_BYTES
from licensing_protocol.log.note import Note
from licensing_protocol.log.proof import verify_inclusion

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
_CODE: Final = "tlog_proof.malformed"
_MAX_BYTES: Final = MAX_NOTE_BYTES + 64 * 1024
_MAX_HASHES: Final = 63


@dataclass(frozen=True, slots=True)
class TlogProof:
    """``extra`` is whatever the maker put there: nothing vouches for it."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Read a proof.

        Raises:
            OversizedDocument; MalformedDocument: ``tlog_proof.malformed``, or as :meth:`Note.parse`.
        """
        if len(data) > _MAX_BYTES:
            raise OversizedDocument(f"A proof has at most {_MAX_BYTES} bytes.")
        head, blank, note = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise _malformed() from error
        if not blank or lines.pop(0) != _FIRST_LINE:
            raise _malformed()
        extra = from_base64(lines.pop(0)[len("extra ") :], _CODE) if lines and lines[0].startswith("extra ") else None
        if not lines or not lines[0].startswith("index ") or len(lines) > 1 + _MAX_HASHES:
            raise _malformed()
        index = decimal(lines[0].removeprefix("index "), _CODE)
        return cls(index, tuple(hash_line(line, _CODE) for line in lines[1:]), Note.parse(note), extra)

    def to_bytes(self) -> bytes:
        """Return what :meth:`parse` reads."""
        lines = [_FIRST_LINE]
        if self.extra is not None:
            lines.append(f"extra {to_base64(self.extra)}")
        lines += [f"index {self.index}", *map(to_base64, self.hashes)]
        return ("\n".join(lines) + "\n\n").encode() + self.note.to_bytes()

    def verify(self, entry: bytes, believe: Callable[[Note], Checkpoint]) -> Checkpoint:
        """Verify that an entry's exact bytes are in the log whose checkpoint the proof carries.

        ``believe`` verifies the checkpoint: the policy's :meth:`Policy.verify`.

        Raises:
            InterlockError: as ``believe``, and as :func:`licensing_protocol.log.proof.verify_inclusion`.
        """
        checkpoint = believe(self.note)
        verify_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint


def _malformed() -> MalformedDocument:
    sentence = f"A proof begins with {_FIRST_LINE}, an index and hashes; a checkpoint follows a blank line."
    return MalformedDocument(sentence, code=_CODE)
