"""Takes evidence in: the same gets the same answer, a second for one parent is a fork (protocol §6)."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import to_base64url
from licensing_protocol.evidence import Evidence
from licensing_protocol.receipt import Receipt
from licensing_server import audit_log
from licensing_server.catalogue.products import measured_by
from licensing_server.catalogue.tables import Release
from licensing_server.devices.tables import Device
from licensing_server.evidence.appraise import Appraisal, Known, appraise
from licensing_server.evidence.ratchet import Covered, Signing, next_receipt, refusal
from licensing_server.evidence.tables import Component, ForkProof, JournalState, Ratchet, StoredEvent, StoredEvidence
from licensing_server.problem import Conflict

__all__ = ["Answered", "Signing", "accept"]
_SYSTEM = "system"
FORK = "evidence.fork"


@dataclass(frozen=True, slots=True)
class Presented:
    """Evidence as it came: parsed, its text, and the receipt beside it where that verified.

    ``challenged_at`` (seconds) is when the newest challenge that it answers was given, ``None`` where it answers none.
    """

    evidence: Evidence
    text: str
    receipt: Receipt | None
    challenged_at: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """``receipt`` or ``refusal``; ``new`` is false where the same evidence had been answered before."""

    receipt: str | None = None
    refusal: str | None = None
    new: bool = True


def accept(
    session: Session, signing: Signing, device: Device, presented: Presented, *, fresh_seconds: int, now: int
) -> Answered:
    """Take evidence in and answer it. The caller holds the device's lock.

    Raises:
        Conflict: ``evidence.unknown_parent`` where neither the server nor a valid receipt knows its parent.
    """
    evidence = presented.evidence
    parent = session.get(Ratchet, (device.id, evidence.parent)) or _adopt(session, device, presented, now)
    if parent.used_by == evidence.identity:
        return Answered(receipt=parent.answer, new=False)
    if parent.used_by is not None:
        return _fork(session, signing, device, presented, parent.used_by, now)
    known = _known(session, device, parent, presented.challenged_at)
    release = session.get(Release, evidence.manifest)
    measured = measured_by(release) if release is not None and release.product == device.product else None
    appraisal = appraise(evidence, known, fresh_seconds, now, measured=measured)
    if measured is not None:
        device.manifest = evidence.manifest
        _forget_components(session, device.id, known.components.keys() - measured)
    device.last_seen = now
    _store(session, device, presented, appraisal, now)
    data = appraisal.to_json() | {"events": len(evidence.events), "last": evidence.last}
    covered = Covered(evidence.identity, evidence.head, evidence.last)
    receipt = next_receipt(session, signing, device.id, covered, "evidence.accepted", data, now)
    parent.used_by, parent.answer = evidence.identity, receipt
    session.flush()
    return Answered(receipt=receipt)


def _adopt(session: Session, device: Device, presented: Presented, now: int) -> Ratchet:
    """Take over a ratchet that a valid receipt of ours names: it is the server that lost its state."""
    receipt = presented.receipt
    if receipt is None or (receipt.device, receipt.ratchet) != (device.id, presented.evidence.parent):
        raise Conflict("evidence.unknown_parent", "No receipt of this server stands behind this evidence.")
    ratchet = Ratchet(
        device=device.id,
        ratchet=receipt.ratchet,
        nonce=receipt.nonce,
        issued_at=receipt.issued_at,
        used_by=None,
        answer=None,
    )
    session.add(ratchet)
    state = session.get_one(JournalState, device.id)
    state.head, state.last = receipt.head, receipt.sequence
    data = {"ratchet": to_base64url(receipt.ratchet), "receipt_issued": receipt.issued_at}
    audit_log.record(session, "server.restored", time=now, actor=_SYSTEM, subject=device.id, data=data)
    session.flush()
    return ratchet


def _fork(session: Session, signing: Signing, device: Device, presented: Presented, first: str, now: int) -> Answered:
    proof = session.get(ForkProof, presented.evidence.identity)
    if proof is not None:
        return Answered(refusal=proof.refusal, new=False)
    identity = presented.evidence.identity
    text = refusal(session, signing, device.id, identity, FORK, now)
    session.add(
        ForkProof(identity=identity, device=device.id, first=first, text=presented.text, refusal=text, received_at=now)
    )
    data = {"first": first, "second": identity, "parent": to_base64url(presented.evidence.parent)}
    audit_log.record(session, FORK, time=now, actor=device.id, subject=device.id, data=data)
    session.flush()
    return Answered(refusal=text)


def _known(session: Session, device: Device, parent: Ratchet, challenged_at: int | None) -> Known:
    state = session.get_one(JournalState, device.id)
    components = session.scalars(select(Component).where(Component.device == device.id))
    digests = {component.name: component.digest for component in components}
    return Known(state.head, state.last, digests, parent.nonce, parent.issued_at, challenged_at)


def _forget_components(session: Session, device: str, names: Set[str]) -> None:
    """Forget what the release that the device runs does not have any more."""
    if names:
        session.execute(delete(Component).where(Component.device == device, Component.name.in_(names)))


def _store(session: Session, device: Device, presented: Presented, appraisal: Appraisal, now: int) -> None:
    evidence = presented.evidence
    session.add(
        StoredEvidence(
            identity=evidence.identity,
            device=device.id,
            received_at=now,
            first=evidence.first,
            last=evidence.last,
            text=presented.text,
            appraisal=appraisal.to_json(),
        )
    )
    session.flush()
    session.add_all(
        StoredEvent(
            evidence=evidence.identity,
            sequence=event.sequence,
            device=device.id,
            type=event.type,
            lower=event.lower,
            upper=event.upper,
            data=event.data,
        )
        for event in evidence.events
    )
    state = session.get_one(JournalState, device.id)
    state.head, state.last = evidence.head, evidence.last
    for measurement in evidence.measurements:
        row = session.get(Component, (device.id, measurement.name))
        if row is None:
            session.add(Component(device=device.id, name=measurement.name, digest=measurement.digest, since=now))
        elif row.digest != measurement.digest:
            row.digest, row.since = measurement.digest, now
    session.flush()
