"""From a bearer token to the person who acts."""

from __future__ import annotations

import hmac

from sqlalchemy.orm import Session

from licensing_server.accounts.tables import ApiToken, Person
from licensing_server.database import secret_hash
from licensing_server.problem import Unauthenticated
from licensing_server.web import Actor, Role


def authenticate(session: Session, bearer: str, now: int) -> Actor:
    """Return who holds this token.

    Raises:
        Unauthenticated: ``token.refused`` for one that is unknown, revoked or belongs to a person who left;
            ``token.expired``.
    """
    token_id, _, secret = bearer.partition(".")
    token = session.get(ApiToken, token_id) if len(token_id) <= 40 else None
    # Compared in any case, so that the answer's time does not tell which ids exist.
    right = hmac.compare_digest(token.secret_hash if token else "", secret_hash(secret))
    if token is None or not right or token.revoked_at is not None:
        raise Unauthenticated("token.refused", "This API token is not valid; ask an administrator for another.")
    if now >= token.expires_at:
        raise Unauthenticated("token.expired", "This API token has expired; rotate it in time, or ask for another.")
    person = session.get(Person, token.person)
    if person is None or person.disabled_at is not None:
        raise Unauthenticated("token.refused", "This API token is not valid; ask an administrator for another.")
    return Actor(person.id, frozenset(Role(row.role) for row in person.roles), token.id)
