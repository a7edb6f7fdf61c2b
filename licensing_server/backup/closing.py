"""What a restored server may not do until two people have accepted what was lost, and what it makes safe at once."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from licensing_server import accounts, audit_log, status_lists
from licensing_server.backup.manifest import Manifest
from licensing_server.config import Settings
from licensing_server.devices.tables import EnrolmentToken
from licensing_server.entitlements.tables import DevicePlan

_SYSTEM = "system"


def close_issuing(session: Session, settings: Settings, manifest: Manifest, now: int) -> str:
    """Close issuing, and make safe what the lost time may have done; return the sentence that names the loss.

    - Indices that may have been given out since are INVALID, and none of them is given out again: the order that
      revoked such a grant may be lost, and the grant could never be addressed again (protocol §3).
    - Every device gets a new version when it asks, once issuing is open.
    - Enrolment tokens that look unused are ended: each may have been used since.
    """
    loss = _loss(manifest)
    data = {"made_at": manifest.made_at, "log_size": manifest.log_size}
    queued = audit_log.record(session, "backup.restored", time=now, actor=_SYSTEM, subject="server", data=data)
    accounts.close_for_restoration(session, backup_made_at=manifest.made_at, loss=loss, now=now)
    status_lists.give_up_unknown(session, settings.public_url, queued.id, now)
    session.execute(update(DevicePlan).values(revision=DevicePlan.revision + 1))
    unused = (EnrolmentToken.redeemed_at.is_(None), EnrolmentToken.revoked_at.is_(None))
    session.execute(update(EnrolmentToken).where(*unused).values(revoked_at=now))
    return loss


def _loss(manifest: Manifest) -> str:
    since = datetime.fromtimestamp(manifest.made_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"Everything after {since} is lost, which is the log from index {manifest.log_size} on: suspensions and "
        "revocations ordered since, people and tokens added or ended since, devices enrolled since, and reports. "
        "Place those orders again, and end those people's access again, before you accept. Enrolment tokens that were "
        "still open have been ended; entitlements signed since count as INVALID until their devices get new ones."
    )
