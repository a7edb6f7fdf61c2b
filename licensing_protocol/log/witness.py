"""What a witness does: sees that a log only grows, and says so (c2sp.org/tlog-witness). Pure.

A witness remembers of each log the newest tree head that it cosigned, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from licensing_protocol.errors import InterlockError, MalformedDocument, OversizedDocument
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.lines import decimal, hash_line, to_base64
from licensing_protocol.log.merkle import EMPTY_ROOT
from licensing_protocol.log.note import MAX_BYTES as MAX_NOTE_BYTES
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey
from licensing_protocol.log.proof import verify_consistency

MAX_PROOF_LINES: Final = 63
MAX_BYTES: Final = MAX_NOTE_BYTES + 4096
SIZE_TYPE: Final = "text/x.tlog.size"
_CODE: Final = "add_checkpoint.malformed"


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The request: a checkpoint, and the proof that it grew from the one of ``old`` leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    @classmethod
    def parse(cls, data: bytes) -> AddCheckpoint:
        """Read a request's body.

        Raises:
            OversizedDocument; MalformedDocument: ``add_checkpoint.malformed``, or as :meth:`Note.parse`.
        """
        if len(data) > MAX_BYTES:
            raise OversizedDocument(f"A request to a witness has at most {MAX_BYTES} bytes.")
        head, blank, note = data.partition(b"\n\n")
        lines = head.decode("ascii", "replace").split("\n")
        if not blank or not lines[0].startswith("old ") or len(lines) > 1 + MAX_PROOF_LINES:
            sentence = "A request is 'old' with a size, at most 63 hashes, a blank line, and a checkpoint."
            raise MalformedDocument(sentence, code=_CODE)
        old = decimal(lines[0].removeprefix("old "), _CODE)
        return cls(old, tuple(hash_line(line, _CODE) for line in lines[1:]), Note.parse(note))

    def to_bytes(self) -> bytes:
        """Return what :meth:`parse` reads."""
        head = "\n".join([f"old {self.old}", *map(to_base64, self.proof)])
        return f"{head}\n\n".encode() + self.note.to_bytes()


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest head of one log that a witness cosigned; at first, that of nothing."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class Answer(IntEnum):
    """The statuses of HTTP with which a witness answers."""

    COSIGNED = 200
    MALFORMED = 400
    UNTRUSTED = 403
    UNKNOWN_LOG = 404
    CONFLICT = 409
    UNPROVEN = 422


@dataclass(frozen=True, slots=True)
class Judged:
    """``COSIGNED`` says that the ``checkpoint`` may be cosigned once it is remembered.

    ``size`` is what a conflict tells, so that the log sends a proof from there; ``reason`` is for people.
    """

    answer: Answer
    checkpoint: Checkpoint | None = None
    size: int | None = None
    reason: str = ""


def judge(request: AddCheckpoint, keys: Iterable[NoteKey], seen: Seen, origin: str | None = None) -> Judged:
    """Judge a request by what is known of the log whose checkpoint it is: its keys, and what was seen of it.

    ``origin`` is that of the log whose ``keys`` they are; without it, each is of the log that bears its name.
    """
    try:
        checkpoint = Checkpoint.parse(request.note.text)
    except MalformedDocument as error:
        return Judged(Answer.MALFORMED, reason=str(error))
    of_log = [key for key in keys if (key.name if origin is None else origin) == checkpoint.origin]
    if not of_log:
        return Judged(Answer.UNKNOWN_LOG, reason=f"This witness does not know the log {checkpoint.origin!r}.")
    try:
        request.note.verify(of_log)
    except InterlockError as error:
        return Judged(Answer.UNTRUSTED, reason=str(error))
    return _judge_growth(request, checkpoint, seen)


def _judge_growth(request: AddCheckpoint, checkpoint: Checkpoint, seen: Seen) -> Judged:
    if request.old > checkpoint.size:
        return Judged(Answer.MALFORMED, reason="The old size is larger than the checkpoint's.")
    if request.old != seen.size:
        sentence = f"This witness has seen {seen.size} leaves; prove the growth from there."
        return Judged(Answer.CONFLICT, size=seen.size, reason=sentence)
    if checkpoint.size == seen.size and checkpoint.root != seen.root:
        sentence = f"This witness has seen another tree of {seen.size} leaves: the log shows two."
        return Judged(Answer.CONFLICT, size=seen.size, reason=sentence)
    try:
        verify_consistency(seen.size, seen.root, checkpoint.size, checkpoint.root, request.proof)
    except InterlockError as error:
        return Judged(Answer.UNPROVEN, reason=str(error))
    return Judged(Answer.COSIGNED, checkpoint)
