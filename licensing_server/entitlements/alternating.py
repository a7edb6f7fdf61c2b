"""A device that changes its release to and fro takes fresh status indices each time: more than is plausible waits."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_server.devices.tables import Device
from licensing_server.entitlements.plan import DAY_S
from licensing_server.entitlements.tables import DevicePlan, SignedEntitlement
from licensing_server.problem import Conflict

MOST_CHANGES: Final = 24


def refuse_alternating(session: Session, device: Device, now: int) -> None:
    """Refuse to sign for yet another release, until a day has passed; what staff approved anew is not held up.

    An older version for the same release is of no use to the device: it takes none that is lower than what it holds.

    Raises:
        Conflict: ``entitlement.alternating``.
    """
    plan = session.get(DevicePlan, device.id)
    if plan is None or plan.revision > plan.signed_revision:
        return
    versions = select(SignedEntitlement.manifest).where(SignedEntitlement.device == device.id)
    last_day = versions.where(SignedEntitlement.issued_at > now - DAY_S).order_by(SignedEntitlement.version)
    signed_for = [*session.scalars(last_day), device.manifest]
    if sum(before != after for before, after in pairwise(signed_for)) > MOST_CHANGES:
        sentence = f"The device changed its release over {MOST_CHANGES} times within a day; it waits for a new version."
        raise Conflict("entitlement.alternating", sentence)
