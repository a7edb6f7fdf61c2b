"""Check-in: evidence in, receipt out, and a newer entitlement where there is one; one transaction."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from sqlalchemy.orm import Session

from licensing_protocol import evidence as evidences
from licensing_protocol.errors import InterlockError
from licensing_protocol.evidence import Evidence
from licensing_protocol.exchange import Answer, EvidenceRequest
from licensing_protocol.receipt import verify_receipt, verify_refusal
from licensing_server import audit_log, devices, entitlements, evidence, orders
from licensing_server.entitlements import Scope
from licensing_server.entitlements.alternating import refuse_alternating
from licensing_server.evidence.accept import UNKNOWN_PARENT, Presented
from licensing_server.exchange.challenge import issued_at
from licensing_server.exchange.counter import Counter
from licensing_server.orders import Draft, Kind, Reason, ReasonCode, Rules
from licensing_server.problem import Conflict, Problem, Unprocessable

_SYSTEM = "system"
_HOUR_S = 3600


def check_in(counter: Counter, device_id: str, request: EvidenceRequest, now: int) -> Answer:
    """Answer a device's evidence. Signatures are verified before the transaction begins.

    Raises:
        NotFound: ``device.unknown``; InterlockError: it is no evidence of this device; Conflict:
            ``evidence.unknown_parent``; Unprocessable: ``evidence.device``; TooMany: ``rate.exceeded``.
    """
    parsed = evidences.verify(request.evidence, counter.keys.of(device_id))
    if parsed.device != device_id:
        raise Unprocessable("evidence.device", "The evidence is about another device than the address names.")
    counter.admit_device(device_id)
    given = (issued_at(counter.challenge_key, device_id, nonce) for nonce in parsed.nonces[1:])
    challenged_at = max((instant for instant in given if instant is not None), default=None)
    presented = Presented(parsed, request.evidence, None, challenged_at)
    try:
        answer = counter.database.change(lambda session: _answer(session, counter, presented, now))
    except Conflict as unknown:
        # Only where the parent is unknown does it matter what came along: the server may have lost its state.
        if unknown.code != UNKNOWN_PARENT:
            raise
        proven = _proven(counter, presented, request)
        answer = counter.database.change(lambda session: _answer(session, counter, proven, now))
    return replace(answer, trust=counter.newest.after(request.trust))


def _answer(session: Session, counter: Counter, presented: Presented, now: int) -> Answer:
    settings = counter.settings
    told = presented.evidence
    device = devices.lock_reporting(session, told.device, told.manifest)
    answered = evidence.accept(
        session, counter.signing, device, presented, fresh_seconds=settings.fresh_seconds, now=now
    )
    if answered.refusal is not None and answered.new:
        _quarantine(session, counter, device.id, now)
    held = None if told.entitlement is None else told.entitlement[1]
    standing = entitlements.standing(session, counter.issuer, device.id, held, now)
    if standing.reached and answered.receipt is not None:
        orders.confirm(session, told, now)
    return Answer(
        receipt=answered.receipt,
        refusal=answered.refusal,
        entitlement=None if standing.settled else _entitlement(session, counter, told, held, now),
        notices=orders.notices(session, device.id, settings.appeal) if standing.reached else (),
    )


def _entitlement(session: Session, counter: Counter, told: Evidence, held: int | None, now: int) -> str | None:
    """Return a newer entitlement. Where none can be composed, the evidence counts all the same, and staff are told."""
    device = devices.device_of(session, told.device)
    try:
        refuse_alternating(session, device, now)
        with session.begin_nested():
            return entitlements.current(session, counter.issuer, device, held, told.status, now)
    except (InterlockError, Problem) as error:
        data = {"code": error.code}
        audit_log.record(session, "entitlement.withheld", time=now, actor=_SYSTEM, subject=device.id, data=data)
        return None


def _quarantine(session: Session, counter: Counter, device: str, now: int) -> None:
    text = "Two different reports continue one: the device or its store was copied or set back."
    reason = Reason(ReasonCode.CONTINUITY, text)
    draft = Draft(Kind.QUARANTINE, reason, Scope(device))
    lapses_at = now + counter.settings.quarantine_hours * _HOUR_S
    try:
        orders.place(session, draft, Rules.of(counter.settings), actor=_SYSTEM, now=now, lapses_at=lapses_at)
    except Conflict:
        orders.prolong_quarantine(session, device, lapses_at, now)


def _proven(counter: Counter, presented: Presented, request: EvidenceRequest) -> Presented:
    """Return the evidence with those of the answers beside it that this server signed."""
    root = counter.newest.root
    with suppress(InterlockError):
        presented = replace(presented, receipt=verify_receipt(request.receipt, root))
    if request.refusal is not None:
        with suppress(InterlockError):
            presented = replace(presented, refusal=verify_refusal(request.refusal, root))
    return presented
