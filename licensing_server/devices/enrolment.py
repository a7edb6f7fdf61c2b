"""One-time tokens: made by staff with the approved plan, redeemed once by a new device key."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from licensing_protocol.enrollment import Enrollment
from licensing_protocol.manifest import Manifest
from licensing_protocol.ueid import device_id
from licensing_server import audit_log, catalogue, diligence
from licensing_server.catalogue.products import product_of
from licensing_server.database import changed_one, new_id, new_secret, secret_hash
from licensing_server.devices.tables import Device, EnrolmentToken
from licensing_server.problem import Conflict, Forbidden, not_found
from licensing_server.web import Act


@dataclass(frozen=True, slots=True)
class Redeemed:
    """``first_time`` is false where the same document came again and must get its first answer again."""

    device: Device
    token: EnrolmentToken
    manifest: Manifest
    first_time: bool


class TokenReused(Forbidden):
    """A used token came with another key: somebody else has it."""

    def __init__(self, token: EnrolmentToken) -> None:
        super().__init__(
            "enrolment.token_used", "This enrolment token was used by another device; ask the exporter for a new one."
        )
        self.token = token


def make_token(
    act: Act, *, product: str, end_user: str, authorisation: str, plan: dict[str, Any], expires_at: int
) -> tuple[EnrolmentToken, str]:
    """Make a token and return it with its text, which is shown this once. ``plan`` is already known to be sound."""
    product_of(act.session, product)
    diligence.party_of(act.session, end_user)
    secret = new_secret()
    token = EnrolmentToken(
        id=new_id("enrol"),
        secret_hash=secret_hash(secret),
        product=product,
        end_user=end_user,
        authorisation=authorisation,
        plan=plan,
        created_by=act.actor,
        created_at=act.now,
        expires_at=expires_at,
        revoked_at=None,
        redeemed_at=None,
        device=None,
        enrolment=None,
    )
    act.session.add(token)
    data = {"product": product, "end_user": end_user, "authorisation": authorisation, "expires": expires_at}
    data["capabilities"] = sorted(plan.get("grants", {}))
    audit_log.record(act.session, "enrolment_token.made", time=act.now, actor=act.actor, subject=token.id, data=data)
    return token, f"{token.id}.{secret}"


def revoke_token(act: Act, token_id: str) -> EnrolmentToken:
    """End a token that was not used yet.

    Raises:
        NotFound; Conflict ``enrolment.token_over``.
    """
    live = (
        EnrolmentToken.id == token_id,
        EnrolmentToken.redeemed_at.is_(None),
        EnrolmentToken.revoked_at.is_(None),
    )
    if not changed_one(act.session.execute(update(EnrolmentToken).where(*live).values(revoked_at=act.now))):
        if act.session.get(EnrolmentToken, token_id) is None:
            raise not_found("enrolment_token", token_id)
        raise Conflict("enrolment.token_over", "This token was used or revoked already.")
    audit_log.record(act.session, "enrolment_token.revoked", time=act.now, actor=act.actor, subject=token_id)
    return act.session.get_one(EnrolmentToken, token_id, populate_existing=True)


def redeem(session: Session, enrollment: Enrollment, now: int) -> Redeemed:
    """Make a new device of a verified enrolment, or find the one that the same document made before.

    Raises:
        Forbidden: ``enrolment.token_refused``, ``enrolment.token_expired``; TokenReused;
            ``enrolment.product`` where the manifest is another product's. Conflict: ``device.known``.
    """
    token = _token(session, enrollment.secret)
    if token.redeemed_at is not None:
        if token.enrolment != enrollment.identity or token.device is None:
            raise TokenReused(token)
        device = session.get_one(Device, token.device)
        return Redeemed(device, token, catalogue.release_of(session, device.manifest), first_time=False)
    if now >= token.expires_at or token.revoked_at is not None:
        raise Forbidden("enrolment.token_expired", "This enrolment token is over; ask the exporter for a new one.")
    manifest = catalogue.release_of(session, enrollment.manifest)
    if manifest.product != token.product:
        raise Forbidden("enrolment.product", f"This enrolment token is for the product {token.product!r}.")
    device = _new_device(session, token, enrollment, now)
    return Redeemed(device, token, manifest, first_time=True)


def _token(session: Session, text: str) -> EnrolmentToken:
    token_id, _, secret = text.partition(".")
    token = session.get(EnrolmentToken, token_id, with_for_update=True) if len(token_id) <= 40 else None
    right = hmac.compare_digest(token.secret_hash if token else "", secret_hash(secret))
    if token is None or not right:
        raise Forbidden("enrolment.token_refused", "This enrolment token is not valid; look at it again.")
    return token


def _new_device(session: Session, token: EnrolmentToken, enrollment: Enrollment, now: int) -> Device:
    new_device = device_id(enrollment.key)
    if session.get(Device, new_device) is not None:
        raise Conflict("device.known", "A device with this key is enrolled already.")
    device = Device(
        id=new_device,
        key=enrollment.key.jwk,
        key_thumbprint=enrollment.key.thumbprint,
        product=token.product,
        end_user=token.end_user,
        authorisation=token.authorisation,
        manifest=enrollment.manifest,
        enrolled_at=now,
        last_seen=now,
        version=1,
        tags=[],
    )
    session.add(device)
    token.redeemed_at, token.device, token.enrolment = now, new_device, enrollment.identity
    session.flush()
    return device
