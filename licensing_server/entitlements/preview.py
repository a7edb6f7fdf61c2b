"""The same composition as at issue, with nothing stored and nothing signed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject
from licensing_protocol.grant import StatusReference
from licensing_server import catalogue
from licensing_server.catalogue.tables import Release
from licensing_server.devices.tables import Device
from licensing_server.entitlements import restrictions
from licensing_server.entitlements.amendments import amend
from licensing_server.entitlements.anchors import anchors_of
from licensing_server.entitlements.compose import Numbers, Subject, compose
from licensing_server.entitlements.plan import PlannedGrant
from licensing_server.entitlements.restrictions import Kind
from licensing_server.entitlements.schemas import EntitlementPreview
from licensing_server.problem import Unprocessable

_NOWHERE = "preview"
_NOBODY = "A" * 43
_ANY = "any.capability"


def preview(session: Session, device: Device, plan: JsonObject, now: int) -> EntitlementPreview:
    """Return what issuing a settled plan to a device would sign."""
    holds = restrictions.held(session, device, plan)
    forbidden = restrictions.forbidden(holds)
    kinds = {name: restrictions.prohibition_of(forbidden, name) for name in plan["grants"]}
    granted = [name for name, kind in kinds.items() if kind is not Kind.REVOKED]
    subject = Subject(
        device.id,
        device.key_thumbprint,
        catalogue.release_of(session, device.manifest),
        device.end_user,
        device.authorisation,
    )
    amended = amend(plan, holds, anchors_of(session, device.id))
    composed = compose(amended, subject, Numbers(_NOWHERE, max(1, now), now), _references(granted))
    return EntitlementPreview(
        claims=composed.to_claims(),
        revoked=sorted(name for name, kind in kinds.items() if kind is Kind.REVOKED),
        suspended=sorted(name for name, kind in kinds.items() if kind is Kind.SUSPENDED),
    )


def refuse_unfit(session: Session, product: str, end_user: str, authorisation: str, plan: JsonObject, now: int) -> None:
    """Compose a settled plan for each release of a product, so that no token carries what could not be issued.

    Raises:
        Unprocessable: ``product.no_release``, or what :func:`compose` raises.
    """
    manifests = list(session.scalars(select(Release.manifest).where(Release.product == product)))
    if not manifests:
        raise Unprocessable("product.no_release", f"Register a release of {product!r} first.")
    for identity in manifests:
        subject = Subject(_NOWHERE, _NOBODY, catalogue.release_of(session, identity), end_user, authorisation)
        compose(plan, subject, Numbers(_NOWHERE, max(1, now), now), _references(plan["grants"]))


def refuse_unfit_terms(session: Session, terms: JsonObject, manifests: Iterable[str]) -> None:
    """Compose a grant with an order's limits for each release, so that no order asks for what could not be issued.

    Raises:
        What :func:`compose` raises.
    """
    grant = PlannedGrant().model_dump(mode="json") | {"limits": terms["limits"]}
    plan: JsonObject = {"valid_for": 1, "grants": {_ANY: grant}, "zones": terms["zones"]}
    for identity in manifests:
        subject = Subject(_NOWHERE, _NOBODY, catalogue.release_of(session, identity), _NOWHERE, _NOWHERE)
        compose(plan, subject, Numbers(_NOWHERE, 1, 1), _references(plan["grants"]))


def _references(capabilities: Iterable[str]) -> dict[str, StatusReference]:
    return {name: StatusReference(_NOWHERE, index) for index, name in enumerate(capabilities)}
