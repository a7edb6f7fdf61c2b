"""What a server whose database was set back may not do until two people have accepted the loss, and what it makes safe.

So it is after ``interlock restore``; and so it is where a database was replaced by other means, which shows when it
knows nothing of a head of the log that this server signed.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from licensing_protocol.log.note import Note
from licensing_server import accounts, audit_log, status_lists
from licensing_server.audit_log.tables import LogEntry
from licensing_server.config import Settings
from licensing_server.devices.tables import EnrolmentToken
from licensing_server.entitlements.tables import DevicePlan

_SYSTEM = "system"


def close_issuing(session: Session, settings: Settings, made_at: int, head: Note | None, now: int) -> str:
    """Close issuing, and make safe what the lost time may have done; return the sentence that names the loss.

    ``made_at`` is when the state was kept that the database is back in, ``head`` the newest head of the log that is
    known from outside it.

    - The log goes on under a new name: of the old one others may have seen more.
    - Indices that may have been given out since are INVALID, and none of them is given out again: the order that
      revoked such a grant may be lost, and the grant could never be addressed again (protocol §3).
    - Every device gets a new version when it asks, once issuing is open.
    - Enrolment tokens that look unused are ended: each may have been used since.
    """
    # A backup from before the log had a name.
    audit_log.begin(session, settings.origin, now)
    size = audit_log.begin_anew(session, head, now).first
    loss = _loss(made_at, size)
    data = {"made_at": made_at, "log_size": size}
    queued = audit_log.record(session, "backup.restored", time=now, actor=_SYSTEM, subject="server", data=data)
    accounts.close_for_restoration(session, backup_made_at=made_at, loss=loss, now=now)
    status_lists.give_up_unknown(session, settings.public_url, queued.id, now)
    session.execute(update(DevicePlan).values(revision=DevicePlan.revision + 1))
    unused = (EnrolmentToken.redeemed_at.is_(None), EnrolmentToken.revoked_at.is_(None))
    session.execute(update(EnrolmentToken).where(*unused).values(revoked_at=now))
    return loss


def close_for_lost_head(settings: Settings, session: Session, head: Note, now: int) -> None:
    """Close issuing because the database does not lead to a head of the log that this server signed."""
    last = session.scalar(select(func.max(LogEntry.time)))
    close_issuing(session, settings, last or now, head, now)


def _loss(made_at: int, size: int) -> str:
    since = datetime.fromtimestamp(made_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"Everything after {since} is lost, which is the log from index {size} on: suspensions and "
        "revocations ordered since, people and tokens added or ended since, devices enrolled since, and reports. "
        "Place those orders again, and end those people's access again, before you accept. Enrolment tokens that were "
        "still open have been ended; entitlements signed since count as INVALID until their devices get new ones."
    )
