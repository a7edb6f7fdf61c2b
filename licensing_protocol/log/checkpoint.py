"""The checkpoint: origin, size and root of a log's tree, as the text of a signed note (c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from licensing_protocol.errors import BrokenChain, MalformedDocument, UnknownKey
from licensing_protocol.log.lines import decimal, hash_line, to_base64
from licensing_protocol.log.merkle import EMPTY_ROOT
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey

_LINES: Final = 3
_CODE: Final = "checkpoint.malformed"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head. ``extensions`` are further lines, which nobody can audit."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text.

        Raises:
            MalformedDocument: ``checkpoint.malformed``; ``checkpoint.empty`` for an empty tree with a root of its own.
        """
        lines = text.removesuffix("\n").split("\n")
        if not text.endswith("\n") or len(lines) < _LINES or not all(lines):
            raise MalformedDocument("A checkpoint has three lines and more, none of them empty.", code=_CODE)
        origin, size, root, *extensions = lines
        checkpoint = cls(origin, decimal(size, _CODE), hash_line(root, _CODE), tuple(extensions))
        if not checkpoint.size and checkpoint.root != EMPTY_ROOT:
            raise MalformedDocument("The root of an empty tree is the hash of nothing.", code="checkpoint.empty")
        return checkpoint

    @property
    def text(self) -> str:
        """What :meth:`parse` reads."""
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), to_base64(self.root), *self.extensions))


def verify(note: Note, keys: Iterable[NoteKey]) -> Checkpoint:
    """Verify that a log signed its checkpoint: one of ``keys`` that bears the origin's name.

    Raises:
        MalformedDocument: as :meth:`Checkpoint.parse`. BadSignature, UnknownKey: as :meth:`Note.verify`.
    """
    checkpoint = Checkpoint.parse(note.text)
    of_origin = [key for key in keys if key.name == checkpoint.origin]
    if not of_origin:
        sentence = f"No key is known of the log {checkpoint.origin!r}."
        raise UnknownKey(sentence, code="checkpoint.origin")
    note.verify(of_origin)
    return checkpoint


def refuse_contradiction(one: Checkpoint, other: Checkpoint) -> None:
    """Refuse two heads of one log that have one size and two roots: it showed different trees to different people.

    Raises:
        BrokenChain: ``checkpoint.split_view``.
    """
    if one.origin == other.origin and one.size == other.size and one.root != other.root:
        sentence = f"The log {one.origin!r} signed two different trees of {one.size} leaves."
        raise BrokenChain(sentence, code="checkpoint.split_view")
