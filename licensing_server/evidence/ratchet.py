"""Receipts and the ratchets in them: each names the one value that the next evidence must name (protocol §7)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.journal import first_head
from licensing_protocol.receipt import Receipt, Refusal
from licensing_server import audit_log
from licensing_server.devices.tables import Device
from licensing_server.evidence import statements
from licensing_server.evidence.tables import JournalState
from licensing_server.signing import Signatory

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs receipts, and in whose name."""

    signatory: Signatory
    issuer: str


@dataclass(frozen=True, slots=True)
class Covered:
    """What a receipt confirms: a document's identity, and the journal's head and number after it."""

    identity: str
    head: bytes
    sequence: int


class _Next(NamedTuple):
    """What the next evidence must name: as its parent, and as its first nonce."""

    value: bytes
    nonce: bytes

    @classmethod
    def make(cls) -> _Next:
        return cls(secrets.token_bytes(_BYTES), secrets.token_bytes(_BYTES))


def first_receipt(
    session: Session, signing: Signing, device: Device, enrolment: str, data: JsonObject, now: int
) -> str:
    """Return the receipt for an enrolment: the start of the device's chain."""
    head = first_head(device.key_thumbprint)
    session.add(JournalState(device=device.id, head=head, last=0))
    session.flush()
    covered = Covered(enrolment, head, 0)
    log = audit_log.origin(session)
    return next_receipt(session, signing, device.id, covered, "device.enrolled", data, now, log=log)


def next_receipt(
    session: Session,
    signing: Signing,
    device: str,
    covered: Covered,
    type: str,
    data: JsonObject,
    now: int,
    *,
    log: str,
) -> str:
    """Queue the entry in the ``log`` of this name, make the next ratchet, and return the receipt that names both."""
    ratchet = _Next.make()
    entry = data | {"evidence": covered.identity, "ratchet": to_base64url(ratchet.value)}
    queued = audit_log.record(session, type, time=now, actor=device, subject=device, data=entry)
    receipt = Receipt(
        issuer=signing.issuer,
        issued_at=now,
        device=device,
        evidence=covered.identity,
        head=covered.head,
        sequence=covered.sequence,
        ratchet=ratchet.value,
        nonce=ratchet.nonce,
        origin=log,
        leaf=queued.leaf,
    )
    text = receipt.sign(signing.signatory.signer)
    _turn(session, device, covered.identity, ratchet, now, text)
    return text


def refusal(session: Session, signing: Signing, device: str, evidence: str, code: str, now: int) -> str:
    """Return a signed refusal; like a receipt it names the next parent."""
    ratchet = _Next.make()
    text = Refusal(signing.issuer, now, device, evidence, code, ratchet.value, ratchet.nonce).sign(
        signing.signatory.signer
    )
    _turn(session, device, evidence, ratchet, now)
    return text


def _turn(session: Session, device: str, document: str, ratchet: _Next, now: int, receipt: str | None = None) -> None:
    """Make a ratchet the one current, in the answer to ``document``; whoever still holds another is a copy (§6)."""
    connection = session.connection()
    connection.execute(statements.USED, {"of_device": device, "document": document, "receipt": receipt})
    row = {"device": device, "ratchet": ratchet.value, "nonce": ratchet.nonce, "issued_at": now}
    connection.execute(statements.NEXT, row | {"used_by": None, "answer": None})
