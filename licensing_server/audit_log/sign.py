"""Signs the newest head of the tree, once its entries are durable, and never one that contradicts an earlier head.

The sequencer has committed index and hashes before a head over them is made here. Then, in this order: the head is
signed, it is on the disk outside the database, and only then a transaction shows it. Whatever ends the process between
two of these leaves a head that the database's tree still leads to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.keys import Signer
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteSigner, SignatureType
from licensing_server.audit_log.checkpoints import newest_row, note_of
from licensing_server.audit_log.head import HeadFile
from licensing_server.audit_log.origins import newest
from licensing_server.audit_log.tables import Log, LogCheckpoint
from licensing_server.audit_log.tree import root
from licensing_server.database import Database
from licensing_server.jobs import ELSEWHERE_S
from licensing_server.problem import Conflict, Unavailable


class OnLoss(Protocol):
    """What is done where the database is older than a head that was signed: ``head`` is that one."""

    def __call__(self, session: Session, head: Note, now: int) -> None:
        """Close what must be closed, and let the log go on under a new name once people have accepted the loss."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A head to sign, in the name of the log of this number."""

    log: int
    head: Checkpoint


class Checkpoints:
    """Work in the background: one process signs, and every process keeps the newest head outside the database."""

    name = "log-checkpoints"
    # A head covers all before it: more of them in a second prove nothing more.
    pace_s = 1

    def __init__(
        self, head: HeadFile, signer: Callable[[], Signer], on_loss: OnLoss, unseen_s: int | None = None
    ) -> None:
        """``unseen_s``: for how many seconds a head waits for its witnesses before it is shown; ``None`` for none."""
        self._head = head
        # Asked for anew each time: keys are rotated under way.
        self._signer = signer
        self._on_loss = on_loss
        self._unseen_s = unseen_s

    def run(self, database: Database, now: int) -> int | None:
        """Sign what is due."""
        # The file first: the database only grows meanwhile.
        kept = self._head.read()
        if kept is not None and self._is_lost(database, kept, now):
            return now
        with database.read() as session:
            signed = newest_row(session)
            if signed is not None:
                self._head.advance(note_of(session, signed))
            due = _draft(session)
        if due is None:
            return None
        with database.alone(self.name) as ours:
            return self._sign(database, now) if ours else now + ELSEWHERE_S

    def _is_lost(self, database: Database, kept: Note, now: int) -> bool:
        head = Checkpoint.parse(kept.text)
        with database.read() as session:
            if not contradicts(session, head):
                return False
        with database.write() as session:
            # Another process may have seen it meanwhile.
            if contradicts(session, head):
                self._on_loss(session, kept, now)
        return True

    def _sign(self, database: Database, now: int) -> int | None:
        with database.read() as session:
            draft = _draft(session)
        if draft is None:
            return None
        note = Note(draft.head.text, ()).signed(_note_signer(draft.head.origin, self._signer()), now)
        self._head.advance(note)
        with database.write() as session:
            if _is_next(session, draft):
                _keep(session, draft, note, now, None if self._unseen_s is None else now + self._unseen_s)
        return None


def contradicts(session: Session, head: Checkpoint) -> bool:
    """Tell whether the tree is not one that grew from a head that was signed: it is older, or another one."""
    logs = list(session.scalars(select(Log).order_by(Log.number)))
    present = logs[-1]
    if head.origin != present.origin:
        # What was lost of a log of before has been named, and the tree goes on under another name.
        named = {log.origin for log in logs} | {_origin(log.previous) for log in logs if log.previous}
        return head.origin not in named
    return head.size > present.size or root(session, head.size) != head.root


def _origin(note: str) -> str:
    return Checkpoint.parse(Note.parse(note.encode()).text).origin


def _draft(session: Session) -> _Draft | None:
    """Return the head that should be signed now, ``None`` where the newest is signed or none may be.

    Raises:
        Conflict: ``log.inconsistent``.
    """
    log = newest(session)
    signed = newest_row(session)
    if log.opened_at is None or log.size == (0 if signed is None else signed.size):
        return None
    if signed is not None and root(session, signed.size) != signed.root:
        sentence = f"The tree no longer begins with the {signed.size} entries that were signed; restore a backup."
        raise Conflict("log.inconsistent", sentence)
    return _Draft(log.number, Checkpoint(log.origin, log.size, root(session, log.size)))


def _is_next(session: Session, draft: _Draft) -> bool:
    """Tell whether nothing larger was shown meanwhile, and the log still goes by that name."""
    log, signed = newest(session), newest_row(session)
    return log.number == draft.log and log.opened_at is not None and (signed is None or signed.size < draft.head.size)


def _keep(session: Session, draft: _Draft, note: Note, now: int, unseen_until: int | None) -> None:
    head = draft.head
    signatures = "".join(signature.to_line() for signature in note.signatures)
    values = {"size": head.size, "log": draft.log, "root": head.root, "text": note.text, "signatures": signatures}
    session.execute(insert(LogCheckpoint).values(values | {"time": now, "unseen_until": unseen_until}))


def _note_signer(origin: str, signer: Signer) -> NoteSigner:
    try:
        return NoteSigner(origin, SignatureType.ED25519, signer)
    except MalformedDocument as error:
        sentence = "The key for the log is no Ed25519 key, with which alone checkpoints are signed; make another."
        raise Unavailable("log.key", sentence) from error
