"""Enrolment: a new device key and a one-time token become a device, its first receipt and its entitlement."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from licensing_protocol import enrollment as enrollments
from licensing_protocol import token
from licensing_protocol.enrollment import Enrollment
from licensing_protocol.exchange import Answer, EnrollmentRequest, TrustHeld
from licensing_server import audit_log, devices, diligence, entitlements, evidence
from licensing_server.catalogue.products import product_of
from licensing_server.devices.enrolment import TokenReused
from licensing_server.entitlements.tables import SignedEntitlement
from licensing_server.exchange.counter import Counter
from licensing_server.exchange.tables import EnrolmentAnswer
from licensing_server.problem import Forbidden


def enrol(counter: Counter, request: EnrollmentRequest, now: int) -> Answer:
    """Answer an enrolment; the same document gets the same answer.

    Raises:
        InterlockError: it is no enrolment; Forbidden, Conflict, NotFound: as :func:`devices.redeem`.
    """
    enrollment = enrollments.verify(request.enrollment)
    try:
        answer = counter.database.change(lambda session: _answer(session, counter, enrollment, now))
    except TokenReused as reuse:
        # The refusal rolled its transaction back; that it happened is worth an entry and an alert of its own.
        with counter.database.write() as session:
            data = {"key": enrollment.key.thumbprint, "device": reuse.token.device}
            audit_log.record(session, "enrolment.refused", time=now, actor="device", subject=reuse.token.id, data=data)
        raise Forbidden(reuse.code, reuse.detail) from reuse
    # What a device that does not say how far it walked pins is the first root.
    return replace(answer, trust=counter.newest.after(request.trust or TrustHeld(root=1, targets=0)))


def _answer(session: Session, counter: Counter, enrollment: Enrollment, now: int) -> Answer:
    redeemed = devices.redeem(session, enrollment, now)
    if not redeemed.first_time:
        kept = session.get_one(EnrolmentAnswer, enrollment.identity)
        first = entitlements.version_of(session, kept.device, token.identity(kept.entitlement))
        return Answer(receipt=kept.receipt, entitlement=_sent(session, counter, first, now))
    device, ticket = redeemed.device, redeemed.token
    # The gate is evaluated again: party and product must still be there (protocol §9).
    diligence.party_of(session, device.end_user)
    product_of(session, device.product)
    data = {"product": device.product, "end_user": device.end_user, "token": ticket.id, "manifest": device.manifest}
    receipt = evidence.first_receipt(session, counter.signing, device, enrollment.identity, data, now)
    entitlements.adopt_plan(session, device.id, ticket.plan, actor=ticket.created_by, now=now)
    row = entitlements.issue(session, counter.issuer, device, actor=ticket.created_by, now=now)
    session.add(EnrolmentAnswer(enrolment=enrollment.identity, device=device.id, receipt=receipt, entitlement=row.text))
    return Answer(receipt=receipt, entitlement=_sent(session, counter, row, now))


def _sent(session: Session, counter: Counter, row: SignedEntitlement, now: int) -> str | None:
    """Return what is sent at once; what waits for the witnesses of the log comes with a check-in."""
    waits = entitlements.waits_for_witnesses(session, counter.issuer, row, now)
    return None if waits else row.text
