"""After a restore: issuing is closed until two people have accepted what was lost."""

from __future__ import annotations

from sqlalchemy import String, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from licensing_server import audit_log
from licensing_server.database import Base, Instant, changed_one
from licensing_server.problem import Conflict, NotFound, Unavailable
from licensing_server.web import Act


class Restoration(Base):
    """One restore of a backup. Issuing is open again once ``second`` is there, another person than ``first``."""

    __tablename__ = "restoration"

    restored_at: Mapped[int] = mapped_column(Instant, primary_key=True, autoincrement=False)
    backup_made_at: Mapped[int] = mapped_column(Instant)
    loss: Mapped[str] = mapped_column(Text)
    first: Mapped[str | None] = mapped_column(String(64))
    second: Mapped[str | None] = mapped_column(String(64))


def close_for_restoration(session: Session, *, backup_made_at: int, loss: str, now: int) -> None:
    """Close issuing because a backup was restored; ``loss`` is what two people are asked to accept."""
    session.add(Restoration(restored_at=now, backup_made_at=backup_made_at, loss=loss, first=None, second=None))
    session.flush()


def refuse_while_waiting(session: Session) -> None:
    """Keep issuing closed.

    Raises:
        Unavailable: ``restore.waiting``.
    """
    if waiting(session) is not None:
        raise restoration_waits()


def restoration_waits() -> Unavailable:
    """Return why nothing is issued or signed."""
    return Unavailable(
        "restore.waiting",
        "The database was restored from a backup; issuing is closed until two people accept the loss.",
        retry_after=60,
    )


def waiting(session: Session) -> Restoration | None:
    """Return the restore that still waits for acceptance."""
    return session.scalar(select(Restoration).where(Restoration.second.is_(None)).limit(1))


def accept(act: Act) -> Restoration:
    """Accept what was lost; the second acceptance must be another person's.

    Raises:
        NotFound: ``restore.none``; Conflict: ``four_eyes.same_person``, ``edit.conflict``.
    """
    found = waiting(act.session)
    if found is None:
        raise NotFound("restore.none", "No restore waits for acceptance.")
    if found.first == act.actor:
        raise Conflict("four_eyes.same_person", "Two people must accept the loss, and you are the first of them.")
    column = "first" if found.first is None else "second"
    expected = (Restoration.restored_at == found.restored_at, getattr(Restoration, column).is_(None))
    if not changed_one(act.session.execute(update(Restoration).where(*expected).values({column: act.actor}))):
        raise Conflict("edit.conflict", "Somebody else accepted in this moment; look again.")
    audit_log.record(
        act.session, "restore.accepted", time=act.now, actor=act.actor, subject="server", data={"as": column}
    )
    return act.session.get_one(Restoration, found.restored_at, populate_existing=True)
