"""Four eyes: what one person begins another must confirm. Two people means two persons, not two tokens.

The confirming route belongs to the room that owns the act. What this cannot do: an administrator who prepares two
people and their tokens long enough before is both of them; only whoever reads the log can see that.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import String, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from licensing_server import audit_log
from licensing_server.accounts.tables import ApiToken, Person
from licensing_server.database import Base, Instant, changed_one
from licensing_server.problem import Conflict
from licensing_server.web import Access, Act, Role


class Matter(Base):
    """One act that waits for, or had, its second person."""

    __tablename__ = "four_eyes"

    subject: Mapped[str] = mapped_column(String(100), primary_key=True)
    first: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[int] = mapped_column(Instant)
    second: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[int | None] = mapped_column(Instant)


class SecondRefused(Conflict):
    """Somebody who cannot be the second person tried to be; a sign that one person acts as two."""

    def __init__(self, code: str, detail: str, *, matter: str) -> None:
        super().__init__(code, detail)
        self.matter = matter


def begin(session: Session, subject: str, *, first: str, now: int) -> Matter:
    """Say who is the first person of an act."""
    matter = Matter(subject=subject, first=first, begun_at=now, second=None, decided_at=None)
    session.add(matter)
    session.flush()
    return matter


def matter_of(session: Session, subject: str) -> Matter | None:
    """Return an act's matter, ``None`` where nobody began it."""
    return session.get(Matter, subject, populate_existing=True)


def decide(act: Act, subject: str, *, roles: frozenset[Role], quiet_s: int, apart: bool) -> None:
    """Be the second person of an act.

    Person, role and token of the second must each be older than ``quiet_s`` seconds, so that none was made for this
    act; where ``apart`` is set, none of them may come from the first.

    Raises:
        SecondRefused: ``four_eyes.same_person``, ``four_eyes.too_new``, ``four_eyes.of_the_first``; Conflict:
            ``four_eyes.decided``.
    """
    matter = act.session.get_one(Matter, subject, populate_existing=True)
    refuse_same(subject, matter.first, act.actor)
    _refuse_made_for_it(act, matter, roles, quiet_s, apart)
    waits = (Matter.subject == subject, Matter.second.is_(None))
    values = {"second": act.actor, "decided_at": act.now}
    if not changed_one(act.session.execute(update(Matter).where(*waits).values(values))):
        raise Conflict("four_eyes.decided", "Another person has decided this already; look at it again.")


def refuse_same(subject: str, first: str, second: str) -> None:
    """Let nobody decide about their own act.

    Raises:
        SecondRefused: ``four_eyes.same_person``.
    """
    if first == second:
        sentence = "Another person than the first must decide this, and you are the first; this was noted in the log."
        raise SecondRefused("four_eyes.same_person", sentence, matter=subject)


def change_as_second(access: Access, do: Callable[[Act], BaseModel | None]) -> Response:
    """Run a second person's act; where the rule refuses the person, that stands in the log though nothing is done."""
    try:
        return access.change(do)
    except SecondRefused as refused:
        note_refusal(access, refused)
        raise


def note_refusal(access: Access, refused: SecondRefused) -> None:
    """Log that somebody tried to be a second person who cannot be."""
    data = {"code": refused.code}
    access.note(
        lambda act: audit_log.record(
            act.session, "four_eyes.refused", time=act.now, actor=act.actor, subject=refused.matter, data=data
        )
    )


def _refuse_made_for_it(act: Act, matter: Matter, roles: frozenset[Role], quiet_s: int, apart: bool) -> None:
    person = act.session.get_one(Person, act.actor)
    token = act.session.get_one(ApiToken, act.token)
    held = [row for row in person.roles if row.role in roles]
    oldest = min(row.given_at for row in held)
    if max(person.created_at, oldest, token.vouched_at) > act.now - quiet_s:
        hours = -(-quiet_s // 3600)
        sentence = f"Person, role and token of a second person must each be {hours} hours old; another must decide."
        raise SecondRefused("four_eyes.too_new", sentence, matter=matter.subject)
    makers = {person.created_by, token.vouched_by}
    if apart and (matter.first in makers or all(row.given_by == matter.first for row in held)):
        sentence = "The first person made you, your role or your token, so you cannot be the second; another must."
        raise SecondRefused("four_eyes.of_the_first", sentence, matter=matter.subject)
