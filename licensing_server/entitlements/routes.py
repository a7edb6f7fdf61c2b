"""Approving plans, issuing, renewing and reading entitlements."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from licensing_protocol.trust import Delegation
from licensing_server import diligence
from licensing_server.catalogue.products import product_of
from licensing_server.config import Settings
from licensing_server.devices import device as devices
from licensing_server.devices import enrolment
from licensing_server.entitlements import issuing
from licensing_server.entitlements.anchors import anchors_of
from licensing_server.entitlements.issuing import Issuer
from licensing_server.entitlements.plan import DAY_S, GrantPlan, settle
from licensing_server.entitlements.preview import preview, refuse_unfit
from licensing_server.entitlements.schemas import (
    EntitlementPreview,
    EntitlementReply,
    MadeEnrolmentToken,
    NewEnrolmentToken,
)
from licensing_server.entitlements.tables import SignedEntitlement
from licensing_server.problem import not_found
from licensing_server.web import Access, Act, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1", tags=["entitlements"])
Reader = Annotated[Access, requires(Role.COMPLIANCE, Role.APPROVER, Role.AUDITOR)]
Writer = Annotated[Access, requires(Role.COMPLIANCE)]


def issuer_of(request: Request) -> Issuer:
    """Return who signs entitlements here, as a dependency of routes."""
    return Issuer(request.app.state.custody.signatory(Delegation.ENTITLEMENT), request.app.state.settings)


Issuing = Annotated[Issuer, Depends(issuer_of)]


@router.post("/enrolment-tokens", status_code=201, response_model=MadeEnrolmentToken)
def make_enrolment_token(access: Writer, request: Request, body: NewEnrolmentToken) -> Response:
    """Approve a plan, and make the one-time token by which one device gets it; the token is shown this once."""
    settings: Settings = request.app.state.settings

    def make(act: Act) -> MadeEnrolmentToken:
        product_of(act.session, body.product)
        diligence.party_of(act.session, body.end_user)
        plan = settle(act.session, body.plan, act.now)
        refuse_unfit(act.session, body.product, body.end_user, body.authorisation, plan, act.now)
        token, text = enrolment.make_token(
            act,
            product=body.product,
            end_user=body.end_user,
            authorisation=body.authorisation,
            plan=plan,
            expires_at=act.now + (body.days or settings.enrolment_days) * DAY_S,
        )
        return MadeEnrolmentToken.of(token, text)

    return access.change(make, status=201)


@router.post("/devices/{device}/entitlements", status_code=201, response_model=EntitlementReply)
def issue(access: Writer, issuer: Issuing, device: Identifier, body: GrantPlan) -> Response:
    """Approve a new plan for a device and sign it; all that was granted before ends in the same moment."""

    def issue_to(act: Act) -> EntitlementReply:
        locked = devices.lock(act.session, device)
        plan = settle(act.session, body, act.now, anchors_of(act.session, device))
        issuing.adopt_plan(act.session, device, plan, actor=act.actor, now=act.now)
        return EntitlementReply.of(issuing.issue(act.session, issuer, locked, actor=act.actor, now=act.now))

    return access.change(issue_to, status=201)


@router.post("/devices/{device}/entitlements/preview")
def preview_issue(access: Reader, device: Identifier, body: GrantPlan) -> EntitlementPreview:
    """Show what issuing a plan would sign; nothing is stored."""
    with access.read() as act:
        plan = settle(act.session, body, act.now, anchors_of(act.session, device))
        return preview(act.session, devices.device_of(act.session, device), plan, act.now)


@router.post("/devices/{device}/entitlements/renewal", status_code=201, response_model=EntitlementReply)
def renew(access: Writer, issuer: Issuing, device: Identifier) -> Response:
    """Sign the approved plan anew with a later end; what was granted before is left to expire."""

    def renew_for(act: Act) -> EntitlementReply:
        locked = devices.lock(act.session, device)
        return EntitlementReply.of(issuing.issue(act.session, issuer, locked, actor=act.actor, now=act.now))

    return access.change(renew_for, status=201)


@router.get("/devices/{device}/entitlements")
def list_entitlements(access: Reader, device: Identifier, cursor: Cursor) -> Page[EntitlementReply]:
    """List every version ever signed for a device, the oldest first."""
    with access.read() as act:
        rows = select(SignedEntitlement).where(SignedEntitlement.device == device)
        found, following = page_of(act.session, rows, (SignedEntitlement.version,), cursor)
        return Page(items=[EntitlementReply.of(row) for row in found], next=following)


@router.get("/entitlements/{jti}")
def read_entitlement(access: Reader, jti: Identifier) -> EntitlementReply:
    """Read one entitlement."""
    with access.read() as act:
        row = act.session.get(SignedEntitlement, jti)
        if row is None:
            raise not_found("entitlement", jti)
        return EntitlementReply.of(row)
