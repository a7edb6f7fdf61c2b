"""API tokens: they belong to persons, expire, and rotate."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from licensing_server import audit_log
from licensing_server.accounts.tables import ApiToken, Person
from licensing_server.database import changed_one, new_id, new_secret, secret_hash
from licensing_server.problem import Conflict, Forbidden, Unprocessable, not_found
from licensing_server.web import Act, Role

DAY_S = 86_400


def issue_token(
    session: Session,
    *,
    person_id: str,
    label: str,
    days: int,
    most_days: int,
    actor: str,
    now: int,
    rotated: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """Make a token and return it with its text, which is shown this once. ``rotated`` is the one it takes over from.

    Raises:
        NotFound; Conflict ``person.disabled``; Unprocessable ``token.too_long_lived``.
    """
    person = session.get(Person, person_id)
    if person is None:
        raise not_found("person", person_id)
    if person.disabled_at is not None:
        raise Conflict("person.disabled", "This person's access has ended.")
    if days > most_days:
        raise Unprocessable("token.too_long_lived", f"A token lives at most {most_days} days.")
    secret = new_secret()
    token = ApiToken(
        id=new_id("token"),
        person=person_id,
        label=label,
        secret_hash=secret_hash(secret),
        created_at=now,
        expires_at=now + days * DAY_S,
        revoked_at=None,
        vouched_by=actor if rotated is None else rotated.vouched_by,
        vouched_at=now if rotated is None else rotated.vouched_at,
    )
    session.add(token)
    audit_log.record(
        session,
        "token.issued",
        time=now,
        actor=actor,
        subject=person_id,
        data={"token": token.id, "expires": token.expires_at},
    )
    return token, f"{token.id}.{secret}"


def rotate(act: Act, token_id: str, most_days: int) -> tuple[ApiToken, str]:
    """Replace a token of one's own by a new one of the same length of life; the old one ends at once.

    Not even an administrator may rotate another's: it would be as old as the first, and so that person's second voice.

    Raises:
        NotFound; Forbidden ``token.of_another``; Conflict ``token.revoked``.
    """
    old = _own(act, token_id)
    if old.person != act.actor:
        raise Forbidden("token.of_another", "Only its owner may rotate a token; end it, and issue another.")
    revoke(act, token_id)
    days = max(1, min(most_days, (old.expires_at - old.created_at) // DAY_S))
    return issue_token(
        act.session,
        person_id=old.person,
        label=old.label,
        days=days,
        most_days=most_days,
        actor=act.actor,
        now=act.now,
        rotated=old,
    )


def revoke(act: Act, token_id: str) -> None:
    """End a token: one's own, or as an administrator anybody's."""
    token = _own(act, token_id)
    live = (ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
    if not changed_one(act.session.execute(update(ApiToken).where(*live).values(revoked_at=act.now))):
        raise Conflict("token.revoked", "This token has ended already.")
    audit_log.record(
        act.session,
        "token.revoked",
        time=act.now,
        actor=act.actor,
        subject=token.person,
        data={"token": token_id},
    )


def _own(act: Act, token_id: str) -> ApiToken:
    token = act.session.get(ApiToken, token_id)
    if token is None:
        raise not_found("token", token_id)
    if token.person != act.actor and Role.ADMINISTRATOR not in act.roles:
        raise Forbidden("token.of_another", "Only an administrator may touch another person's token.")
    return token
