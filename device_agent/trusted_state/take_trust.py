"""Taking in roots and Targets: what is signed enough counts at once, what is not is journalled (protocol §2)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from device_agent import journal
from device_agent.clock import Reading
from device_agent.store import Connection, facts
from device_agent.trusted_state import records
from device_agent.trusted_state.root import Walked, keep, keep_root, recall
from device_agent.trusted_state.state import State
from device_agent.trusted_state.take import Taken
from device_agent.trusted_state.time import ROOT
from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import ContinuityError, InterlockError
from licensing_protocol.journal import EventType
from licensing_protocol.keys import Signer
from licensing_protocol.trust import NOBODY, RootOfTrust

if TYPE_CHECKING:
    from licensing_protocol.exchange import TrustUpdate


def take_trust(connection: Connection, state: State, update: TrustUpdate, signer: Signer, reading: Reading) -> Taken:
    """Take roots and Targets inside ``store.write()``; an empty update verifies those that are held once more.

    Roots that follow count also where the Targets beside them are refused: keys that they remove are removed. What a
    removed key had set (marks of versions and numbers, and of the time) is forgotten.
    """
    state = state.observe(connection, reading)
    try:
        stored = Walked.stored(connection, state.subject)
    except InterlockError as no_root:
        return _refused(connection, state, no_root, reading)
    problem = _refuse_other_than(stored, state)
    walked, refused = stored.advance(update.roots)
    problem = problem or refused
    if update.targets is not None and refused is None:
        try:
            walked = walked.delegate(update.targets, partial(_lower, state))
        except InterlockError as refusal:
            problem = problem or refusal
    changed = walked.root.version != stored.root.version or _root(walked) != state.subject.root
    if changed:
        for document in walked.documents[len(stored.documents) :]:
            keep_root(connection, document)
        state = _obey(connection, state, walked, signer, reading)
    elif recall(connection, state.subject) is None:
        # The product pins another root of the same chain: the next start should not have to walk it.
        keep(connection, walked, state.subject, signer)
    return Taken(state, changed=changed) if problem is None else _refused(connection, state, problem, reading)


def _refuse_other_than(stored: Walked, state: State) -> InterlockError | None:
    """Hold what the store's documents come to against what was believed on the device's own signature."""
    if _root(stored) == state.subject.root:
        return None
    sentence = "What was kept of the root of trust is not what its documents come to; it was verified anew."
    return ContinuityError(sentence, code="trust.forged")


def _lower(state: State, root: RootOfTrust) -> int:
    return state.time.trusting(replace(state.subject, root=root).keeps_time).lower


def _root(walked: Walked) -> object:
    return walked.trusted or NOBODY


def _obey(connection: Connection, state: State, walked: Walked, signer: Signer, reading: Reading) -> State:
    keep(connection, walked, state.subject, signer)
    facts.raise_revision(connection)
    state = State.load(connection, state.subject, state)
    time = state.time.without_root()
    if walked.trusted is not None:
        time = state.time.accept(walked.trusted.issued, ROOT, reading)
    records.forget_marks(connection, state.subject.signs)
    time = records.keep_time(connection, time)
    data: JsonObject = {"root": walked.root.version, "targets": walked.trusted.targets if walked.trusted else 0}
    journal.note(connection, EventType.TRUST_UPDATED, data, time.bounds(reading), reading.boot)
    return replace(state, time=time)


def _refused(connection: Connection, state: State, problem: InterlockError, reading: Reading) -> Taken:
    data: JsonObject = {"code": problem.code}
    journal.note(connection, EventType.TRUST_REFUSED, data, state.time.bounds(reading), reading.boot)
    return Taken(state, problem)
