"""After a restore: issuing is closed until two people have accepted what was lost."""

from __future__ import annotations

from sqlalchemy import Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from licensing_server import audit_log
from licensing_server.accounts import four_eyes
from licensing_server.database import Base, Instant, table_of
from licensing_server.problem import NotFound, Unavailable
from licensing_server.web import Act, Role

ACCEPTERS = frozenset({Role.APPROVER, Role.ADMINISTRATOR})


class Restoration(Base):
    """One restore of a backup. Issuing is open again once two people have accepted it: its matter of four eyes."""

    __tablename__ = "restoration"

    restored_at: Mapped[int] = mapped_column(Instant, primary_key=True, autoincrement=False)
    backup_made_at: Mapped[int] = mapped_column(Instant)
    loss: Mapped[str] = mapped_column(Text)

    @property
    def subject(self) -> str:
        """The name of its matter of four eyes."""
        return f"restoration:{self.restored_at}"


_ANY = select(table_of(Restoration).c.restored_at).limit(1)


def close_for_restoration(session: Session, *, backup_made_at: int, loss: str, now: int) -> None:
    """Close issuing because a backup was restored; ``loss`` is what two people are asked to accept."""
    session.add(Restoration(restored_at=now, backup_made_at=backup_made_at, loss=loss))
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
    if session.connection().execute(_ANY).first() is None:
        # As nearly always; this is asked with every commit.
        return None
    for restoration in session.scalars(select(Restoration).order_by(Restoration.restored_at)):
        matter = four_eyes.matter_of(session, restoration.subject)
        if matter is None or matter.second is None:
            return restoration
    return None


def accept(act: Act, quiet_s: int) -> Restoration:
    """Accept what was lost; the second acceptance must be another person's.

    The second may have been made by the first: else a small exporter with one administrator could not open again.

    Raises:
        NotFound: ``restore.none``; SecondRefused; Conflict: ``four_eyes.decided``.
    """
    found = waiting(act.session)
    if found is None:
        raise NotFound("restore.none", "No restore waits for acceptance.")
    first = four_eyes.matter_of(act.session, found.subject) is None
    if first:
        four_eyes.begin(act.session, found.subject, first=act.actor, now=act.now)
    else:
        four_eyes.decide(act, found.subject, roles=ACCEPTERS, quiet_s=quiet_s, apart=False)
    if waiting(act.session) is None:
        audit_log.open_log(act.session, act.now)
    data = {"as": "first" if first else "second"}
    audit_log.record(act.session, "restore.accepted", time=act.now, actor=act.actor, subject="server", data=data)
    return found
