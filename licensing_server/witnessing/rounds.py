"""Asks the witnesses after each new checkpoint, all at once, and keeps what they cosign.

Nothing here can hold the log up: no transaction is open while a witness is asked, the work has a thread of its own, and
a witness that fails is asked less and less often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Final

import structlog
from sqlalchemy.orm import Session

from licensing_protocol.keys import Signer
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey
from licensing_protocol.log.policy import Party
from licensing_protocol.log.witness import AddCheckpoint
from licensing_server import audit_log
from licensing_server.audit_log.tables import LogCosignature
from licensing_server.database import Database
from licensing_server.jobs import ELSEWHERE_S
from licensing_server.witnessing.ask import Asker
from licensing_server.witnessing.outcome import Cosigned, Failed, Heard, Outcome, Refused, SeenOther, State, outcome_of
from licensing_server.witnessing.policy import Witnesses
from licensing_server.witnessing.tables import LogQuorum, LogWitness

_log = structlog.get_logger("interlock.witnesses")
SYSTEM: Final = "system"
SUBJECT: Final = "log"
_TURNS: Final = 4
"""Questions to one witness in one round: it may have to be asked again from where it is."""
_PACE_S: Final = 1
_LONGEST_BACKOFF_S: Final = 300
_ANEW_S: Final = 900
"""Seconds after which the newest checkpoint is cosigned anew where the log does not grow: that it is still the newest
is all by which a monitor can tell an idle log from one that is shown to it in an old state.
"""
_MOST_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class _Question:
    """To one witness: ``head`` is the checkpoint with the log's own signatures, ``request`` what is sent."""

    witness: Party
    head: Note
    checkpoint: Checkpoint
    request: AddCheckpoint
    turn: int = 1

    @property
    def url(self) -> str:
        """Where the witness is asked."""
        return self.witness.url or ""


class Rounds:
    """Work in the background, of one process at a time."""

    name = "log-witnesses"
    pace_s = 0

    def __init__(self, witnesses: Witnesses, signers: Callable[[], Sequence[Signer]]) -> None:
        self._witnesses = witnesses
        # Every key with which the log may have signed: an older checkpoint is signed with an older one.
        self._signers = signers

    def run(self, database: Database, now: int) -> int | None:
        """Ask whom it is time to ask; return when the next one is due."""
        with database.read() as session:
            due_at = _next(session, self._witnesses.asked)
        if due_at is None or due_at > now:
            return due_at
        with database.alone(self.name) as ours:
            if not ours:
                return now + ELSEWHERE_S
            self._ask_all(database, now)
        with database.read() as session:
            return _next(session, self._witnesses.asked)

    def _ask_all(self, database: Database, now: int) -> None:
        with database.read() as session:
            questions = list(_due(session, self._witnesses.asked, now))
        if not questions:
            return
        with ExitStack() as stack, ThreadPoolExecutor(min(len(questions), _MOST_AT_ONCE)) as pool:
            askers = {asked.witness.key: stack.enter_context(closing(Asker(asked.url))) for asked in questions}
            running: dict[Future[Outcome], _Question] = {
                pool.submit(_ask, askers[asked.witness.key], asked): asked for asked in questions
            }
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    asked = running.pop(future)
                    again = self._take(database, asked, future.result(), now)
                    if again is not None:
                        running[pool.submit(_ask, askers[again.witness.key], again)] = again

    def _take(self, database: Database, asked: _Question, outcome: Outcome, now: int) -> _Question | None:
        """Keep what came of a question, or return the question to ask instead."""
        if isinstance(outcome, SeenOther):
            if outcome.size < asked.request.old:
                _log.warning("a witness has forgotten what it cosigned", witness=asked.witness.key.name)
            if asked.turn < _TURNS:
                with database.read() as session:
                    again = _question(session, asked.witness, outcome.size)
                if again is not None:
                    return replace(again, turn=asked.turn + 1)
                told = f"it has seen {outcome.size} entries, more than the log has here"
                outcome = Refused(409, told)
            else:
                outcome = Failed("each time it has seen another size")
        with database.write() as session:
            _keep(session, asked, outcome, now)
            if isinstance(outcome, Cosigned):
                self._note_quorum(session, asked.checkpoint, now)
        return None

    def _note_quorum(self, session: Session, checkpoint: Checkpoint, now: int) -> None:
        note = audit_log.checkpoint(session, checkpoint.size)
        if note is None or session.get(LogQuorum, checkpoint.size) is not None:
            return
        if self._witnesses.have_seen(note, checkpoint.origin, self._signers()):
            session.add(LogQuorum(size=checkpoint.size, origin=checkpoint.origin, time=now))
            audit_log.show(session, checkpoint.size)


def _ask(asker: Asker, question: _Question) -> Outcome:
    heard = asker.ask(question.request.to_bytes())
    if not isinstance(heard, Heard):
        return heard
    size, old = question.checkpoint.size, question.request.old
    return outcome_of(heard, question.witness.key, question.head.text, old, size)


def _next(session: Session, witnesses: Iterable[Party]) -> int | None:
    head = audit_log.checkpoint(session)
    if head is None:
        return None
    return min((_due_at(session, head, witness) for witness in witnesses), default=None)


def _due_at(session: Session, head: Note, witness: Party) -> int:
    checkpoint = Checkpoint.parse(head.text)
    row = session.get(LogWitness, (checkpoint.origin, str(witness.key)))
    if row is None:
        return 0
    cosigned = session.get(LogCosignature, (checkpoint.size, _named(witness.key))) is not None
    anew = (row.cosigned_at or 0) + _ANEW_S
    return max(row.due_at, anew) if cosigned and row.state == State.COSIGNED else row.due_at


def _due(session: Session, witnesses: Iterable[Party], now: int) -> Iterator[_Question]:
    head = audit_log.checkpoint(session)
    if head is None:
        return
    origin = Checkpoint.parse(head.text).origin
    for witness in witnesses:
        if _due_at(session, head, witness) <= now:
            row = session.get(LogWitness, (origin, str(witness.key)))
            question = _question(session, witness, 0 if row is None else row.size) or _question(session, witness, 0)
            if question is not None:
                yield question


def _question(session: Session, witness: Party, old: int) -> _Question | None:
    """Return what to ask for the newest checkpoint, ``None`` where that is smaller than what the witness has seen."""
    newest = audit_log.checkpoint(session)
    if newest is None:
        return None
    checkpoint = Checkpoint.parse(newest.text)
    if old > checkpoint.size:
        return None
    # The log's own signatures only: a witness has no use for what others say.
    own = tuple(signature for signature in newest.signatures if signature.name == checkpoint.origin)
    head = Note(newest.text, own)
    proof = audit_log.prove_growth(session, old, checkpoint.size)
    return _Question(witness, head, checkpoint, AddCheckpoint(old, tuple(proof), head))


def _keep(session: Session, asked: _Question, outcome: Cosigned | Refused | Failed, now: int) -> None:
    row = _row(session, asked, now)
    before = row.state
    if isinstance(outcome, Cosigned):
        _keep_cosignature(session, asked.checkpoint.size, _named(asked.witness.key), outcome)
        row.state, row.told, row.tries = str(State.COSIGNED), "", 0
        row.size, row.cosigned_at, row.due_at = asked.checkpoint.size, now, now + _PACE_S
    else:
        row.state = str(State.REFUSED if isinstance(outcome, Refused) else State.FAILED)
        row.told, row.tries = outcome.told, row.tries + 1
        later = outcome.retry_after if isinstance(outcome, Failed) else None
        row.due_at = now + max(later or 0, min(_LONGEST_BACKOFF_S, 2 ** min(row.tries - 1, 10)))
    if row.state != before:
        row.since = now
        _tell(session, asked, outcome, now)
    session.flush()


def _row(session: Session, asked: _Question, now: int) -> LogWitness:
    identity = (asked.checkpoint.origin, str(asked.witness.key))
    row = session.get(LogWitness, identity)
    if row is None:
        origin, key = identity
        values = {"state": "", "told": "", "size": 0, "tries": 0, "since": now, "due_at": now, "cosigned_at": None}
        row = LogWitness(origin=origin, key=key, name=asked.witness.key.name, **values)
        session.add(row)
    return row


def _tell(session: Session, asked: _Question, outcome: Outcome, now: int) -> None:
    """Tell of a change. What a witness refuses is an entry of the log itself; once, not at each new checkpoint."""
    name = asked.witness.key.name
    if isinstance(outcome, Refused):
        _log.error("a witness refuses a checkpoint", witness=name, size=asked.checkpoint.size, told=outcome.told)
        data = {"witness": name, "size": asked.checkpoint.size, "answer": outcome.status}
        audit_log.record(session, "log.refused", time=now, actor=SYSTEM, subject=SUBJECT, data=data)
    elif isinstance(outcome, Failed):
        _log.warning("a witness does not cosign", witness=name, told=outcome.told)
    else:
        _log.info("a witness cosigns", witness=name)


def _named(key: NoteKey) -> str:
    # Two keys may have one name, such as an old and a new one of the same witness.
    return f"{key.name}+{key.key_id.hex()}"


def _keep_cosignature(session: Session, size: int, name: str, cosigned: Cosigned) -> None:
    row = session.get(LogCosignature, (size, name))
    if row is None:
        session.add(LogCosignature(size=size, name=name, line=cosigned.line, time=cosigned.time))
    else:
        row.line, row.time = cosigned.line, cosigned.time
