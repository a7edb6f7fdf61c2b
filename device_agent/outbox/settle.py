"""Settling what was sent: only a signed answer to exactly that document does it (protocol §7)."""

from __future__ import annotations

from dataclasses import dataclass

from device_agent import journal
from device_agent.clock import Reading
from device_agent.outbox.build import Outgoing, waiting
from device_agent.store import Connection, facts
from device_agent.store.facts import Fact
from device_agent.trusted_state import State, records, take_receipt
from device_agent.trusted_state.receipt import HeldReceipt, read_refusal
from device_agent.trusted_state.records import Kept, Kind
from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.journal import EventType


@dataclass(frozen=True, slots=True)
class Settled:
    """The state afterwards. ``done`` tells whether the answer was for what was under way; ``refused`` is its code."""

    state: State
    done: bool
    refused: str | None = None


def settle_receipt(
    connection: Connection, state: State, text: str, reading: Reading, *, sent: str | None = None
) -> Settled:
    """Take a receipt, inside ``store.write()``: let go of the events that it covers, and of the document.

    A receipt for anything else is ignored and journalled. ``sent`` is the identity of the document for which this
    process got it: where another process was answered first, nothing is left to do and nothing is wrong.

    Raises:
        InterlockError: it is no receipt of this exporter for this device; nothing was changed.
    """
    receipt = HeldReceipt.read(text, state.subject)
    state = state.observe(connection, reading)
    document, under_way = receipt.document, waiting(connection)
    if document.evidence == sent and not _is_under_way(sent, under_way):
        return Settled(state, done=True)
    if under_way is None or not _answers(receipt, under_way):
        return _ignore(connection, state, document.evidence, document.identity, reading)
    journal.covered(connection, under_way.last, under_way.head)
    _count_off(connection, under_way)
    connection.execute("DELETE FROM outbox")
    return Settled(take_receipt(connection, state, receipt, under_way.created, reading), done=True)


def settle_refusal(
    connection: Connection, state: State, text: str, reading: Reading, *, sent: str | None = None
) -> Settled:
    """Take a signed refusal, inside ``store.write()``: it consumes the parent as a receipt does, and covers nothing.

    Raises:
        InterlockError: as :func:`settle_receipt`.
    """
    refusal = read_refusal(text, state.subject)
    state = state.observe(connection, reading)
    under_way = waiting(connection)
    if refusal.evidence == sent and not _is_under_way(sent, under_way):
        return Settled(state, done=True, refused=refusal.code)
    if under_way is None or refusal.evidence != under_way.identity:
        return _ignore(connection, state, refusal.evidence, refusal.identity, reading)
    records.keep(connection, Kind.REFUSAL, Kept("", refusal.identity, text))
    facts.write(connection, Fact.RATCHET, to_base64url(refusal.ratchet))
    facts.write(connection, Fact.NONCE, to_base64url(refusal.nonce))
    connection.execute("DELETE FROM outbox")
    data: JsonObject = {"code": refusal.code, "evidence": refusal.evidence}
    journal.note(connection, EventType.EVIDENCE_REFUSED, data, state.time.bounds(reading), reading.boot)
    return Settled(state, done=True, refused=refusal.code)


def _is_under_way(identity: str, under_way: Outgoing | None) -> bool:
    return under_way is not None and under_way.identity == identity


def _answers(receipt: HeldReceipt, under_way: Outgoing) -> bool:
    document = receipt.document
    promised = (under_way.identity, under_way.last, under_way.head)
    return (document.evidence, document.sequence, document.head) == promised


def _count_off(connection: Connection, under_way: Outgoing) -> None:
    connection.executemany(
        "UPDATE usage SET uses = uses - ?, denials = denials - ? WHERE capability = ?",
        [(count.uses, count.denials, capability) for capability, count in under_way.usage.items()],
    )


def _ignore(connection: Connection, state: State, evidence: str, identity: str, reading: Reading) -> Settled:
    data: JsonObject = {"evidence": evidence, "receipt": identity}
    journal.note(connection, EventType.RECEIPT_IGNORED, data, state.time.bounds(reading), reading.boot)
    return Settled(state, done=False)
