"""What a witness does with a request: judged, remembered, and only then answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol.errors import InterlockError, MalformedDocument
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note, Signature
from licensing_protocol.log.note_key import NoteKey, NoteSigner, SignatureType
from licensing_protocol.log.witness import SIZE_TYPE, AddCheckpoint, Answer, Judged, judge
from licensing_server.database import Database
from licensing_server.problem import Unprocessable
from licensing_server.witness import memory
from licensing_server.witness.memory import Head, Refused

_log = structlog.get_logger("interlock.witness")
TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered over HTTP."""

    status: int
    body: str
    media_type: str = TEXT_TYPE


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A checkpoint that a log signed and that was refused.

    ``request`` is what it came in, without what others than the log signed; ``seen`` is the note of before.
    """

    size: int
    answer: int
    at: int
    request: bytes
    seen: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """A log, by the keys it is known by (none: no longer), and the newest head that was cosigned.

    ``refused`` are the checkpoints that it signed and that do not follow from what was seen before.
    """

    origin: str
    address: str
    keys: tuple[str, ...]
    size: int
    cosigned_at: int | None
    refused: tuple[Contradiction, ...]


class Witness:
    """One witness. Several processes may serve it from one folder: its memory lets one request in at a time."""

    def __init__(self, database: Database, signer: NoteSigner) -> None:
        self._database = database
        self._signer = signer

    @property
    def key(self) -> NoteKey:
        """By which others verify its cosignatures."""
        return self._signer.key

    def close(self) -> None:
        """Close its memory."""
        self._database.close()

    def trust(self, text: str, now: int, origin: str | None = None) -> tuple[str, bool]:
        """Know a log by its verifier key from now on; return its origin, and whether the key is new.

        ``origin`` is the first line of its checkpoints, where that is not the name in the key.

        Raises:
            Unprocessable: ``witness.log_key``, also for a key by which another log is known.
        """
        key = _log_key(text)
        origin = key.name if origin is None else _origin(origin)
        with self._database.write() as session:
            known = memory.origin_of(session, key)
            if known is None:
                memory.trust(session, key, origin, now)
            elif known != origin:
                sentence = f"This is known as the key of {known!r}; a key is of one log. Distrust it first."
                raise Unprocessable("witness.log_key", sentence)
        return origin, known is None

    def distrust(self, text: str) -> tuple[str, bool]:
        """Know a log by a key no longer; return its origin, and whether it was known. What was seen stays remembered.

        Raises:
            Unprocessable: ``witness.log_key``.
        """
        key = _log_key(text)
        with self._database.write() as session:
            origin = memory.origin_of(session, key)
            return origin or key.name, memory.distrust(session, key)

    def add(self, body: bytes, now: int) -> Reply:
        """Answer ``add-checkpoint``: what is cosigned is remembered, and on the disk, before this returns."""
        try:
            request = AddCheckpoint.parse(body)
            origin = Checkpoint.parse(request.note.text).origin
        except InterlockError as error:
            return Reply(Answer.MALFORMED, f"{error}\n")
        # Looked at without a lock first: what anybody may send at will must not keep the others waiting.
        with self._database.read() as session:
            judged = _judge(session, request, origin)
        if judged.answer is Answer.COSIGNED or _is_evidence(judged, request):
            judged, line = self._settle(request, origin, now)
            if judged.answer is Answer.COSIGNED:
                return Reply(Answer.COSIGNED, line)
        return _refusal(judged)

    def newest(self, address: str) -> str | None:
        """Return the newest cosigned checkpoint of a log, as a note; ``None`` where nothing was cosigned of it."""
        with self._database.read() as session:
            note = session.scalar(select(Head.note).where(Head.address == address))
        return None if note is None else note.decode()

    def known(self) -> list[Known]:
        """Return every log that is known or was."""
        with self._database.read() as session:
            return [_known(session, origin) for origin in memory.origins(session)]

    def sizes(self) -> Mapping[str, int]:
        """Return how many leaves were cosigned of every log that is known, by its origin."""
        with self._database.read() as session:
            return memory.sizes(session)

    def _settle(self, request: AddCheckpoint, origin: str, now: int) -> tuple[Judged, str]:
        with self._database.write() as session:
            # What others wrote below it is not ours to keep or to repeat.
            request = replace(request, note=_by_log(session, request.note, origin))
            # Judged anew behind the lock: another request may have come first.
            judged = _judge(session, request, origin)
            line = ""
            if judged.answer is Answer.COSIGNED and judged.checkpoint is not None:
                made = Signature.make(request.note.text, self._signer, now)
                line = made.to_line()
                note = Note(request.note.text, (*request.note.signatures, made))
                memory.remember(session, judged.checkpoint, note, now)
            elif _is_evidence(judged, request):
                memory.keep_refused(session, Checkpoint.parse(request.note.text), request, judged.answer, now)
        if _is_evidence(judged, request):
            _log.warning("a log showed what does not follow", origin=origin, answer=int(judged.answer))
        return judged, line


def _judge(session: Session, request: AddCheckpoint, origin: str) -> Judged:
    return judge(request, memory.keys_of(session, origin), memory.seen_of(session, origin), origin)


def _is_evidence(judged: Judged, request: AddCheckpoint) -> bool:
    """Tell whether a log signed a head that does not follow from what was seen, as far as anybody could show."""
    return judged.answer is Answer.UNPROVEN or (judged.answer is Answer.CONFLICT and judged.size == request.old)


def _by_log(session: Session, note: Note, origin: str) -> Note:
    """Return a note with the signatures of its log alone, each once."""
    known = {(key.name, key.key_id) for key in memory.keys_of(session, origin)}
    own = (signature for signature in note.signatures if (signature.name, signature.key_id) in known)
    return Note(note.text, tuple(dict.fromkeys(own)))


def _refusal(judged: Judged) -> Reply:
    if judged.answer is Answer.CONFLICT:
        return Reply(Answer.CONFLICT, f"{judged.size}\n", SIZE_TYPE)
    return Reply(judged.answer, f"{judged.reason}\n")


def _known(session: Session, origin: str) -> Known:
    head = session.get(Head, origin)
    rows = session.scalars(select(Refused).where(Refused.origin == origin).order_by(Refused.at, Refused.size))
    return Known(
        origin=origin,
        address=memory.address_of(origin),
        keys=tuple(map(str, memory.keys_of(session, origin))),
        size=0 if head is None else head.size,
        cosigned_at=None if head is None else head.cosigned_at,
        refused=tuple(Contradiction(row.size, row.answer, row.at, row.request, row.seen) for row in rows),
    )


def _log_key(text: str) -> NoteKey:
    try:
        key = NoteKey.parse(text.strip())
    except MalformedDocument as error:
        sentence = f"{error} Ask the log for its verifier key: one line, such as example.org/log+1a2b3c4d+AT…"
        raise Unprocessable("witness.log_key", sentence) from error
    if key.kind is not SignatureType.ED25519:
        raise Unprocessable("witness.log_key", "This is the key of a witness; a log's own key is asked for.")
    return key


def _origin(text: str) -> str:
    if not text or not text.isprintable():
        raise Unprocessable("witness.log_key", "An origin is one line: the first of the log's checkpoints.")
    return text
