"""Taking documents in: what is accepted is stored, what is refused is journalled, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

from device_agent import journal
from device_agent.clock import Reading
from device_agent.store import Connection, facts
from device_agent.store.facts import Fact
from device_agent.trusted_state import records
from device_agent.trusted_state.receipt import HeldReceipt
from device_agent.trusted_state.records import Kept, Kind
from device_agent.trusted_state.state import State
from device_agent.trusted_state.time import Created, TrustedTime
from licensing_protocol import token
from licensing_protocol.canonical import JsonObject, encode, to_base64url
from licensing_protocol.errors import ContinuityError, Equivocation, InterlockError, WrongDocument
from licensing_protocol.journal import EventType


@dataclass(frozen=True, slots=True)
class Taken:
    """The state afterwards, and why the document was refused, where it was. ``changed`` is false for what was held."""

    state: State
    problem: InterlockError | None = None
    changed: bool = False


def take_entitlement(connection: Connection, state: State, text: str, reading: Reading) -> Taken:
    """Accept or refuse an entitlement inside ``store.write()``."""
    state = state.observe(connection, reading)
    try:
        held = state.held.accept(text, state.subject)
    except InterlockError as problem:
        return _refused(connection, state, EventType.ENTITLEMENT_REFUSED, text, problem, reading)
    document = held.document
    if document is None or (state.entitlement is not None and state.entitlement.identity == document.identity):
        return Taken(state)
    records.keep(connection, Kind.ENTITLEMENT, Kept("", document.identity, text))
    records.mark_entitlement(connection, held.kid, held.marks[held.kid])
    time = _hear(connection, state, document.issued_at, held.kid, reading)
    accepted = replace(state, held=held, time=time)
    accepted = replace(accepted, status=accepted.status.only(accepted.shards))
    records.let_go_of_lists(connection, accepted.shards)
    data: JsonObject = {"version": document.version, "identity": document.identity}
    journal.note(connection, EventType.ENTITLEMENT_ACCEPTED, data, time.bounds(reading), reading.boot)
    return Taken(replace(accepted, revision=facts.raise_revision(connection)), changed=True)


def take_status_list(
    connection: Connection, state: State, uri: str, text: str, reading: Reading, *, etag: str = ""
) -> Taken:
    """Accept or refuse the status list of one shard inside ``store.write()``."""
    state = state.observe(connection, reading)
    try:
        status = state.status.accept(text, state.subject, uri, state.time.lower)
    except InterlockError as problem:
        return _refused(connection, state, EventType.STATUS_LIST_REFUSED, text, problem, reading)
    taken, before = status.lists[uri], state.status.lists.get(uri)
    records.keep(connection, Kind.STATUS_LIST, Kept(uri, taken.document.identity, text), etag)
    if before is not None and before.document.identity == taken.document.identity:
        return Taken(state)
    records.mark_status(connection, uri, taken.kid, status.marks[uri][taken.kid])
    time = _hear(connection, state, taken.document.issued_at, taken.kid, reading)
    accepted = replace(state, status=status, time=time, revision=facts.raise_revision(connection))
    return Taken(accepted, changed=True)


def take_receipt(
    connection: Connection, state: State, receipt: HeldReceipt, created: Created, reading: Reading
) -> State:
    """Store a receipt, inside ``store.write()``, that is known to answer the document which was ``created`` then."""
    state = state.observe(connection, reading)
    document = receipt.document
    records.keep(connection, Kind.RECEIPT, Kept("", document.identity, receipt.text))
    records.drop(connection, Kind.REFUSAL)
    facts.write(connection, Fact.RATCHET, to_base64url(document.ratchet))
    facts.write(connection, Fact.NONCE, to_base64url(document.nonce))
    time = state.time.confirm(document.issued_at, receipt.kid, created, reading)
    time = records.keep_time(connection, time)
    return replace(state, held_receipt=receipt, time=time, enrolled=True, revision=facts.raise_revision(connection))


def keep_notices(connection: Connection, state: State, notices: tuple[str, ...]) -> State:
    """Keep what the exporter tells the operator, in the place of what it told before."""
    if notices == state.notices:
        return state
    facts.write(connection, Fact.NOTICES, encode(list(notices)).decode("utf-8"))
    return replace(state, notices=notices, revision=facts.raise_revision(connection))


def _hear(connection: Connection, state: State, issued_at: int, kid: str, reading: Reading) -> TrustedTime:
    return records.keep_time(connection, state.time.accept(issued_at, kid, reading))


def _refused(
    connection: Connection, state: State, type: EventType, text: str, problem: InterlockError, reading: Reading
) -> Taken:
    data: JsonObject = {"code": problem.code}
    if isinstance(problem, ContinuityError | WrongDocument) and problem.code != "token.wrong_type":
        # Signed by the exporter: which document it was is worth knowing. Of anything else only the kind is kept, so
        # that whoever sits on the line cannot fill the journal.
        data["identity"] = token.identity(text)
    if isinstance(problem, Equivocation):
        records.keep_contradiction(connection, token.identity(text), text)
    journal.note(connection, type, data, state.time.bounds(reading), reading.boot)
    return Taken(state, problem)
