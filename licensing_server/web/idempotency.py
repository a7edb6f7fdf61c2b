"""``Idempotency-Key``: a person's request that is sent twice is done once."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request, Response
from sqlalchemy import String, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from licensing_server.database import Base, Instant
from licensing_server.problem import Conflict, Unprocessable

_LONGEST = 200
_KEPT_S = 86_400


class IdempotentAnswer(Base):
    """What was answered to one key of one person."""

    __tablename__ = "idempotent_answer"

    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(_LONGEST), primary_key=True)
    request: Mapped[str] = mapped_column(Text)
    status: Mapped[int]
    body: Mapped[str] = mapped_column(Text)
    version: Mapped[int | None]
    at: Mapped[int] = mapped_column(Instant, index=True)


@dataclass(frozen=True, slots=True)
class Key:
    """``request`` tells whether the same thing is asked again."""

    person: str
    key: str
    request: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it can be kept."""

    status: int
    body: str
    version: int | None

    def to_response(self) -> Response:
        """Return it as HTTP; secrets are in some of them, so nothing may keep a copy."""
        headers = {"Cache-Control": "no-store"}
        if self.version is not None:
            headers["ETag"] = f'"{self.version}"'
        return Response(self.body, self.status, headers, "application/json" if self.body else None)


def key_of(request: Request, person: str, body_digest: str) -> Key | None:
    """Return the key of a request, ``None`` where it has none.

    Raises:
        Unprocessable: ``idempotency.key`` for one that is too long.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= _LONGEST:
        raise Unprocessable("idempotency.key", f"An Idempotency-Key has 1 to {_LONGEST} characters.")
    return Key(person, key, f"{request.method} {request.url.path} {body_digest}")


def earlier_answer(session: Session, key: Key) -> Answer | None:
    """Return what was answered before.

    Raises:
        Conflict: ``idempotency.reused`` where the key came with another request.
    """
    where = (IdempotentAnswer.person == key.person, IdempotentAnswer.key == key.key)
    row = session.scalar(select(IdempotentAnswer).where(*where))
    if row is None:
        return None
    if row.request != key.request:
        raise Conflict("idempotency.reused", "This Idempotency-Key was used for another request; take a new one.")
    return Answer(row.status, row.body, row.version)


def remember(session: Session, key: Key, answer: Answer, now: int) -> None:
    """Keep an answer for a day."""
    session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.at < now - _KEPT_S))
    row = IdempotentAnswer(
        person=key.person,
        key=key.key,
        request=key.request,
        status=answer.status,
        body=answer.body,
        version=answer.version,
        at=now,
    )
    session.add(row)
