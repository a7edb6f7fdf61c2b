"""Where the windows of a device's quotas begin: given once, kept for ever, so that nothing refills them (§3)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol.entitlement import Entitlement
from licensing_server.entitlements.tables import QuotaAnchor


def anchors_of(session: Session, device: str) -> dict[str, int]:
    """Return the anchor (seconds) of every quota that was ever signed for a device, by the quota's id."""
    rows = session.execute(select(QuotaAnchor.quota, QuotaAnchor.anchor).where(QuotaAnchor.device == device))
    return {row.quota: row.anchor for row in rows}


def keep_anchors(session: Session, entitlement: Entitlement) -> None:
    """Keep the anchors of the quotas that an entitlement is the first to have. The caller holds the device's lock."""
    quotas = [grant.limits.quota for grant in entitlement.grants.values() if grant.limits.quota is not None]
    if not quotas:
        return
    known = anchors_of(session, entitlement.device)
    session.add_all(
        QuotaAnchor(device=entitlement.device, quota=quota, anchor=anchor)
        for quota, anchor in {quota.id: quota.anchor for quota in quotas}.items()
        if quota not in known
    )
