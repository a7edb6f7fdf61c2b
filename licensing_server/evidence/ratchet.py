"""Receipts and the ratchets in them: each names the one value that the next evidence must name (protocol §7)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

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


def first_receipt(
    session: Session, signing: Signing, device: Device, enrolment: str, data: JsonObject, now: int
) -> str:
    """Return the receipt for an enrolment: the start of the device's chain."""
    head = first_head(device.key_thumbprint)
    session.add(JournalState(device=device.id, head=head, last=0))
    session.flush()
    covered = Covered(enrolment, head, 0)
    return next_receipt(session, signing, device.id, covered, "device.enrolled", data, now)


def next_receipt(
    session: Session, signing: Signing, device: str, covered: Covered, type: str, data: JsonObject, now: int
) -> str:
    """Queue the log entry, make the next ratchet, and return the receipt that names both."""
    ratchet, nonce = _new_ratchet(session, device, covered.identity, now)
    entry = data | {"evidence": covered.identity, "ratchet": to_base64url(ratchet)}
    queued = audit_log.record(session, type, time=now, actor=device, subject=device, data=entry)
    receipt = Receipt(
        issuer=signing.issuer,
        issued_at=now,
        device=device,
        evidence=covered.identity,
        head=covered.head,
        sequence=covered.sequence,
        ratchet=ratchet,
        nonce=nonce,
        origin=audit_log.origin(session),
        leaf=queued.leaf,
    )
    return receipt.sign(signing.signatory.signer)


def refusal(session: Session, signing: Signing, device: str, evidence: str, code: str, now: int) -> str:
    """Return a signed refusal; like a receipt it names the next parent."""
    ratchet, nonce = _new_ratchet(session, device, evidence, now)
    return Refusal(signing.issuer, now, device, evidence, code, ratchet, nonce).sign(signing.signatory.signer)


def _new_ratchet(session: Session, device: str, document: str, now: int) -> tuple[bytes, bytes]:
    """Make the one current ratchet, for the answer to ``document``; whoever still holds another is a copy (§6)."""
    connection = session.connection()
    connection.execute(statements.USED, {"of_device": device, "document": document})
    ratchet, nonce = secrets.token_bytes(_BYTES), secrets.token_bytes(_BYTES)
    row = {"device": device, "ratchet": ratchet, "nonce": nonce, "issued_at": now, "used_by": None, "answer": None}
    connection.execute(statements.NEXT, row)
    return ratchet, nonce
