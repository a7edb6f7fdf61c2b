"""``Idempotency-Key``: a person's request that is sent twice is done once.

Some answers hold a secret that is shown once and otherwise kept as a hash only. So an answer is kept sealed with the
API token that the request came with, which the server does not keep either.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from fastapi import Request, Response
from sqlalchemy import String, Text, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from licensing_protocol.canonical import digest, from_base64url, to_base64url
from licensing_server.database import Base, Instant
from licensing_server.problem import Conflict, Unprocessable

_LONGEST = 200
_KEPT_S = 86_400
_LABEL = b"interlock/idempotency/1"
_NONCE_BYTES = 12


class IdempotentAnswer(Base):
    """What was answered to one key of one person; ``body`` is sealed."""

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
    """``request`` tells whether the same thing is asked again; ``seal`` is the cipher's key."""

    person: str
    key: str
    request: str
    seal: bytes = field(repr=False)


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


def key_of(request: Request, person: str, bearer: str) -> Key | None:
    """Return the key of a request, ``None`` where it has none.

    Raises:
        Unprocessable: ``idempotency.key`` for one that is too long.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= _LONGEST:
        raise Unprocessable("idempotency.key", f"An Idempotency-Key has 1 to {_LONGEST} characters.")
    body = to_base64url(digest(request.state.body))
    meant_for = request.headers.get("if-match", "")
    return Key(person, key, f"{request.method} {request.url.path} {meant_for} {body}", digest(_LABEL, bearer.encode()))


def earlier_answer(session: Session, key: Key) -> Answer | None:
    """Return what was answered before.

    Raises:
        Conflict: ``idempotency.reused`` where the key came with another request, ``idempotency.token`` where the
            same request came with another API token.
    """
    _one_at_a_time(session, key)
    where = (IdempotentAnswer.person == key.person, IdempotentAnswer.key == key.key)
    row = session.scalar(select(IdempotentAnswer).where(*where))
    if row is None:
        return None
    if row.request != key.request:
        raise Conflict("idempotency.reused", "This Idempotency-Key was used for another request; take a new one.")
    return Answer(row.status, _unseal(row.body, key), row.version)


def _one_at_a_time(session: Session, key: Key) -> None:
    """Let the same request, sent twice at once, wait for its twin's answer (on SQLite one writer at a time does)."""
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(digest(key.person.encode(), key.key.encode())[:8], "big", signed=True)
        session.execute(select(func.pg_advisory_xact_lock(number)))


def remember(session: Session, key: Key, answer: Answer, now: int) -> None:
    """Keep an answer for a day."""
    session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.at < now - _KEPT_S))
    row = IdempotentAnswer(
        person=key.person,
        key=key.key,
        request=key.request,
        status=answer.status,
        body=_seal(answer.body, key),
        version=answer.version,
        at=now,
    )
    session.add(row)


def _seal(body: str, key: Key) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    return to_base64url(nonce + ChaCha20Poly1305(key.seal).encrypt(nonce, body.encode(), key.request.encode()))


def _unseal(body: str, key: Key) -> str:
    sealed = from_base64url(body)
    try:
        opened = ChaCha20Poly1305(key.seal).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key.request.encode())
    except InvalidTag as error:
        sentence = "This was done, but asked with another API token, which alone opens the answer; look the result up."
        raise Conflict("idempotency.token", sentence) from error
    return opened.decode()
