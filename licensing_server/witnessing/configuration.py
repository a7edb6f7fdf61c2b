"""With what the log is configured: entered when a server starts with something else than the log last said.

The name of the log is not among it, for ``log.begun`` says it; nor is its key, which ``targets.published`` names.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import decode_object
from licensing_server import audit_log
from licensing_server.audit_log.tables import LogEntry
from licensing_server.config import Settings
from licensing_server.database import lock_alone
from licensing_server.witnessing.policy import read_policy

_TYPE: Final = "log.configured"
_ACTOR: Final = "system"
_SUBJECT: Final = "log"


def configuration(settings: Settings) -> dict[str, Any]:
    """Return what the log is configured with, by the names of the settings; of the policy's file its SHA-256.

    Raises:
        Unavailable: ``log.policy``.
    """
    witnesses = read_policy(settings)
    return {
        "log_public": settings.log_public,
        "log_policy": None if witnesses is None else witnesses.digest,
        "quorum_orders": settings.quorum_orders,
        "quorum_issuances": settings.quorum_issuances,
        "quorum_wait": settings.quorum_wait,
    }


def configured(session: Session) -> dict[str, Any] | None:
    """Return what the log last said that it is configured with, ``None`` where it never said."""
    newest = select(LogEntry.body).where(LogEntry.type == _TYPE).order_by(LogEntry.id.desc()).limit(1)
    body = session.scalar(newest)
    found: dict[str, Any] | None = None if body is None else decode_object(body)["data"]["after"]
    return found


def configure(session: Session, present: dict[str, Any], now: int) -> None:
    """Enter a configuration, before and after, unless the log says so already: of replicas that start at once, one."""
    lock_alone(session, _TYPE)
    before = configured(session)
    if before != present:
        data = {"before": before, "after": present}
        audit_log.record(session, _TYPE, time=now, actor=_ACTOR, subject=_SUBJECT, data=data)
