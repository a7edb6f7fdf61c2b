"""The usual case of a check-in, in one statement: the device holds its newest entitlement, and no other is due."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session

from licensing_protocol.token import TokenType
from licensing_server.database import table_of
from licensing_server.devices.tables import Device
from licensing_server.entitlements.issuing import Issuer
from licensing_server.entitlements.tables import DevicePlan, OrderTarget, SignedEntitlement

# Longer than the first segment of any entitlement, and often much shorter than the whole.
_BEGINNING: Final = 1_000
_DEVICE: Final = table_of(Device)
_PLAN: Final = table_of(DevicePlan)
_SIGNED: Final = table_of(SignedEntitlement)
_TARGET: Final = table_of(OrderTarget)
_STANDING: Final = (
    select(
        exists().where(_TARGET.c.device == _DEVICE.c.id).label("reached"),
        (_PLAN.c.revision > _PLAN.c.signed_revision).label("replanned"),
        (_SIGNED.c.manifest != _DEVICE.c.manifest).label("another_release"),
        _SIGNED.c.version,
        _SIGNED.c.issued_at,
        _SIGNED.c.expires,
        func.substr(_SIGNED.c.text, 1, _BEGINNING).label("begins"),
    )
    .select_from(_DEVICE)
    .outerjoin(_PLAN, _PLAN.c.device == _DEVICE.c.id)
    .outerjoin(_SIGNED, _SIGNED.c.device == _PLAN.c.device)
    .where(_DEVICE.c.id == bindparam("of_device"))
    .order_by(_SIGNED.c.version.desc())
    .limit(1)
)


class Standing(NamedTuple):
    """How a device stands.

    ``settled``: it needs no entitlement, so ``current`` would find none; otherwise ``current`` tells.
    ``reached``: orders reached it, or did once; otherwise there is nothing of them to confirm and nothing to tell.
    """

    settled: bool
    reached: bool


def standing(session: Session, issuer: Issuer, device: str, held: int | None, now: int) -> Standing:
    """Return how a device stands that holds the version ``held`` of its entitlement."""
    row = session.connection().execute(_STANDING, {"of_device": device}).one()
    if row.version is None or held is None or row.version > held or row.replanned or row.another_release:
        return Standing(False, row.reached)
    ages_at = row.issued_at + issuer.settings.renewal_share * (row.expires - row.issued_at)
    settled = now < ages_at and not issuer.signatory.must_renew(row.begins, TokenType.ENTITLEMENT)
    return Standing(settled, row.reached)
