"""Takes evidence in: the same gets the same answer, a second for one parent is a fork (protocol §6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from licensing_protocol.canonical import to_base64url
from licensing_protocol.evidence import Evidence
from licensing_protocol.receipt import Receipt, Refusal
from licensing_server import audit_log
from licensing_server.catalogue.products import measured_by
from licensing_server.devices import Reporting
from licensing_server.evidence import statements
from licensing_server.evidence.appraise import Appraisal, Known, appraise
from licensing_server.evidence.forks import let_go_of_proofs
from licensing_server.evidence.ratchet import Covered, Signing, next_receipt, refusal
from licensing_server.evidence.tables import ForkProof, JournalState, Ratchet
from licensing_server.problem import Conflict

__all__ = ["Answered", "Signing", "accept"]
_SYSTEM = "system"
FORK = "evidence.fork"
UNKNOWN_PARENT = "evidence.unknown_parent"


@dataclass(frozen=True, slots=True)
class Presented:
    """Evidence as it came: parsed, its text, and the receipt and the refusal beside it where they verified.

    ``challenged_at`` (seconds) is when the newest challenge that it answers was given, ``None`` where it answers none.
    """

    evidence: Evidence
    text: str
    receipt: Receipt | None
    challenged_at: int | None = None
    refusal: Refusal | None = None

    def parent(self, device: str) -> Receipt | Refusal | None:
        """Return which of our answers to this device named the parent of the evidence."""
        for answer in (self.receipt, self.refusal):
            if answer is not None and (answer.device, answer.ratchet) == (device, self.evidence.parent):
                return answer
        return None


@dataclass(frozen=True, slots=True)
class Answered:
    """``receipt`` or ``refusal``; ``new`` is false where the same evidence had been answered before."""

    receipt: str | None = None
    refusal: str | None = None
    new: bool = True


def accept(
    session: Session, signing: Signing, device: Reporting, presented: Presented, *, fresh_seconds: int, now: int
) -> Answered:
    """Take evidence in and answer it. The caller holds the device's lock.

    Raises:
        Conflict: ``evidence.unknown_parent`` where neither the server nor a signed answer of its own knows its parent.
    """
    evidence, connection = presented.evidence, session.connection()
    asked = {"of_device": device.id, "of_parent": evidence.parent}
    held, *others = connection.execute(statements.HELD, asked).all()
    if held.issued_at is None:
        _adopt(session, device, presented, now)
        held, *others = connection.execute(statements.HELD, asked).all()
    if held.used_by == evidence.identity:
        return Answered(receipt=held.answer, new=False)
    if held.used_by is not None:
        return _fork(session, signing, device, presented, held.used_by, now)
    digests = {row.name: row.digest for row in (held, *others) if row.name is not None}
    known = Known(held.head, held.last, digests, held.nonce, held.issued_at, presented.challenged_at)
    measured = None if device.release is None else measured_by(device.release)
    appraisal = appraise(evidence, known, fresh_seconds, now, measured=measured)
    shown = device.manifest if measured is None else evidence.manifest
    connection.execute(statements.SEEN, {"of_device": device.id, "now": now, "manifest_shown": shown})
    reported = {measurement.name for measurement in evidence.measurements}
    for name in () if measured is None else digests.keys() - measured - reported:
        # What the release that the device runs does not have any more.
        connection.execute(statements.GONE_COMPONENT, {"of_device": device.id, "of_name": name})
    _store(connection, device.id, presented, appraisal, digests, now)
    data = appraisal.to_json() | {"events": len(evidence.events), "last": evidence.last}
    covered = Covered(evidence.identity, evidence.head, evidence.last)
    receipt = next_receipt(session, signing, device.id, covered, "evidence.accepted", data, now, log=held.origin)
    return Answered(receipt=receipt)


def _adopt(session: Session, device: Reporting, presented: Presented, now: int) -> None:
    """Take over a ratchet that an answer of ours names: it is the server that lost its state.

    A refusal covers nothing, so how far the journal is known is what the receipt before it says.
    """
    answer, receipt = presented.parent(device.id), presented.receipt
    if answer is None:
        raise Conflict(UNKNOWN_PARENT, "No receipt or refusal of this server stands behind this evidence.")
    ratchet = Ratchet(
        device=device.id,
        ratchet=answer.ratchet,
        nonce=answer.nonce,
        issued_at=answer.issued_at,
        used_by=None,
        answer=None,
    )
    session.add(ratchet)
    if receipt is not None and receipt.device == device.id:
        state = session.get_one(JournalState, device.id)
        state.head, state.last = receipt.head, receipt.sequence
    data = {"ratchet": to_base64url(answer.ratchet), "receipt_issued": answer.issued_at}
    audit_log.record(session, "server.restored", time=now, actor=_SYSTEM, subject=device.id, data=data)
    session.flush()


def _fork(
    session: Session, signing: Signing, device: Reporting, presented: Presented, first: str, now: int
) -> Answered:
    proof = session.get(ForkProof, presented.evidence.identity)
    if proof is not None:
        return Answered(refusal=proof.refusal, new=False)
    identity = presented.evidence.identity
    text = refusal(session, signing, device.id, identity, FORK, now)
    let_go_of_proofs(session, device.id)
    session.add(
        ForkProof(identity=identity, device=device.id, first=first, text=presented.text, refusal=text, received_at=now)
    )
    data = {"first": first, "second": identity, "parent": to_base64url(presented.evidence.parent)}
    audit_log.record(session, FORK, time=now, actor=device.id, subject=device.id, data=data)
    session.flush()
    return Answered(refusal=text)


def _store(
    connection: Connection,
    device: str,
    presented: Presented,
    appraisal: Appraisal,
    digests: Mapping[str, bytes],
    now: int,
) -> None:
    evidence = presented.evidence
    row = {"identity": evidence.identity, "device": device, "received_at": now, "text": presented.text}
    row |= {"first": evidence.first, "last": evidence.last, "appraisal": appraisal.to_json()}
    connection.execute(statements.EVIDENCE, row)
    events = [
        {
            "evidence": evidence.identity,
            "sequence": event.sequence,
            "device": device,
            "type": event.type,
            "lower": event.lower,
            "upper": event.upper,
            "data": event.data,
        }
        for event in evidence.events
    ]
    if events:
        connection.execute(statements.EVENTS, events)
    connection.execute(statements.JOURNAL, {"of_device": device, "new_head": evidence.head, "new_last": evidence.last})
    for name, digest in ((measured.name, measured.digest) for measured in evidence.measurements):
        if name not in digests:
            new = {"device": device, "name": name, "digest": digest, "since": now}
            connection.execute(statements.NEW_COMPONENT, new)
        elif digests[name] != digest:
            changed = {"of_device": device, "of_name": name, "measured": digest, "now": now}
            connection.execute(statements.CHANGED_COMPONENT, changed)
