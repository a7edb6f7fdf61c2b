"""The usual case of a check-in, in one statement: the device holds its newest entitlement, and no other is due."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from licensing_protocol.token import TokenType
from licensing_server.database import table_of
from licensing_server.devices.tables import Device
from licensing_server.entitlements.issuing import Issuer
from licensing_server.entitlements.tables import DevicePlan, SignedEntitlement

_PLAN: Final = table_of(DevicePlan)
_SIGNED: Final = table_of(SignedEntitlement)
_DEVICE: Final = table_of(Device)
_NEWEST: Final = (
    select(
        (_PLAN.c.revision > _PLAN.c.signed_revision).label("replanned"),
        (_SIGNED.c.manifest != _DEVICE.c.manifest).label("another_release"),
        _SIGNED.c.version,
        _SIGNED.c.issued_at,
        _SIGNED.c.expires,
        _SIGNED.c.text,
    )
    .join(_SIGNED, _SIGNED.c.device == _PLAN.c.device)
    .join(_DEVICE, _DEVICE.c.id == _PLAN.c.device)
    .where(_PLAN.c.device == bindparam("of_device"))
    .order_by(_SIGNED.c.version.desc())
    .limit(1)
)


def is_settled(session: Session, issuer: Issuer, device: str, held: int | None, now: int) -> bool:
    """Tell whether a device that holds the version ``held`` needs nothing: then ``current`` would find nothing.

    Where this does not tell, ``current`` does.
    """
    row = session.connection().execute(_NEWEST, {"of_device": device}).first()
    if row is None or held is None or row.version > held or row.replanned or row.another_release:
        return False
    ages_at = row.issued_at + issuer.settings.renewal_share * (row.expires - row.issued_at)
    return now < ages_at and not issuer.signatory.must_renew(row.text, TokenType.ENTITLEMENT)
