"""What an answer of a witness means for the log. Pure: whatever was answered is distrusted until it verifies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from licensing_protocol.errors import InterlockError, MalformedDocument
from licensing_protocol.log.lines import decimal
from licensing_protocol.log.note import Note, signature_lines
from licensing_protocol.log.note_key import NoteKey
from licensing_protocol.log.witness import SIZE_TYPE, Answer

_CODE: Final = "witness.answer"
_LONGEST_TOLD: Final = 200
_SETUP: Final = {
    Answer.MALFORMED: "it could not read the request",
    Answer.UNTRUSTED: "it knows the log by another key; give it the log's verifier key again",
    Answer.UNKNOWN_LOG: "it does not know the log; give it the log's verifier key",
}


class State(StrEnum):
    """How a witness stands to the log. Refused: it has seen what the newest checkpoint does not follow from, which is
    a sign that the log shows two pasts. Failed: it did not answer, or with nothing that can be used.
    """

    COSIGNED = "cosigned"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer over HTTP. ``retry_after`` in seconds, where it was said."""

    status: int
    media_type: str
    body: bytes
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The witness's signature line under the checkpoint, and the time that it states (seconds)."""

    line: str
    time: int


@dataclass(frozen=True, slots=True)
class SeenOther:
    """The witness has seen another size than was said: it is asked again with a proof from there."""

    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """It has seen what does not lead to this checkpoint. ``status`` is its answer."""

    status: int
    told: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing that can be used; ``retry_after`` in seconds, where it was said."""

    told: str
    retry_after: int | None = None


Outcome = Cosigned | SeenOther | Refused | Failed


def outcome_of(heard: Heard, key: NoteKey, text: str, old: int, size: int) -> Outcome:
    """Return what an answer means to a request for the checkpoint ``text`` of ``size``, with a proof from ``old``."""
    if heard.status == Answer.COSIGNED:
        return _cosigned(heard.body, key, text)
    if heard.status == Answer.CONFLICT:
        return _conflict(heard, old, size)
    if heard.status == Answer.UNPROVEN:
        return Refused(heard.status, "it has seen what this checkpoint does not follow from")
    told = _SETUP.get(Answer(heard.status)) if heard.status in set(Answer) else None
    return Failed(told or f"it answered with the status {heard.status}", heard.retry_after)


def _cosigned(body: bytes, key: NoteKey, text: str) -> Outcome:
    try:
        lines = signature_lines(body.decode())
        own = tuple(found for found in lines if (found.name, found.key_id) == (key.name, key.key_id))
        time = Note(text, own).cosigned_at(key)
    except (UnicodeDecodeError, InterlockError) as error:
        return Failed(f"its cosignature cannot be used: {error}"[:_LONGEST_TOLD])
    newest = next(found for found in own if key.verify(text, found.signature) == time)
    return Cosigned(newest.to_line(), time)


def _conflict(heard: Heard, old: int, size: int) -> Outcome:
    try:
        told = _size_in(heard)
    except MalformedDocument:
        return Failed("it answered that it has seen another size, and did not say which")
    if told != old:
        return SeenOther(told)
    if told == size:
        return Refused(heard.status, f"it has seen another tree of {size} entries")
    return Failed(f"it contradicts itself: it has seen {told} entries, as was said")


def _size_in(heard: Heard) -> int:
    text = heard.body.decode("ascii", "replace")
    if heard.media_type.partition(";")[0].strip().lower() != SIZE_TYPE or not text.endswith("\n"):
        raise MalformedDocument("No size.", code=_CODE)
    return decimal(text.removesuffix("\n"), _CODE)
