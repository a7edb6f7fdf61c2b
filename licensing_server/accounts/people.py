"""Adding people, changing their roles, letting them go; each is in the log."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from licensing_server import audit_log
from licensing_server.accounts.tables import ApiToken, Person, PersonRole
from licensing_server.database import changed_one, new_id
from licensing_server.problem import Conflict, PreconditionFailed, not_found
from licensing_server.web import Act, Role


def add_person(session: Session, *, name: str, roles: Iterable[Role], actor: str | None, now: int) -> Person:
    """Add a person. ``actor`` is ``None`` for the first, who adds themselves."""
    person_id = new_id("person")
    held = sorted({str(role) for role in roles})
    rows = [PersonRole(person=person_id, role=role, given_at=now, given_by=actor) for role in held]
    person = Person(id=person_id, name=name, created_at=now, created_by=actor, disabled_at=None, version=1, roles=rows)
    session.add(person)
    audit_log.record(
        session,
        "person.added",
        time=now,
        actor=actor or person_id,
        subject=person_id,
        data={"roles": held},
        sensitive={"name": name},
    )
    session.flush()
    return person


def set_roles(act: Act, person_id: str, roles: Iterable[Role], version: int) -> Person:
    """Give a person exactly these roles.

    Raises:
        NotFound, PreconditionFailed; Conflict ``administrator.last`` for taking the role from the last administrator.
    """
    person = _edited(act, person_id, version)
    held = sorted({str(role) for role in roles})
    kept = {row.role: row for row in person.roles}
    person.roles = [
        kept.get(role) or PersonRole(person=person_id, role=role, given_at=act.now, given_by=act.actor) for role in held
    ]
    act.session.flush()
    _refuse_without_administrator(act.session)
    audit_log.record(
        act.session, "person.roles_set", time=act.now, actor=act.actor, subject=person_id, data={"roles": held}
    )
    return person


def disable(act: Act, person_id: str, version: int) -> Person:
    """End a person's access: every token stops working at once.

    Raises:
        NotFound, PreconditionFailed; Conflict ``person.disabled``, ``administrator.last``.
    """
    person = _edited(act, person_id, version)
    if person.disabled_at is not None:
        raise Conflict("person.disabled", "This person's access has ended already.")
    person.disabled_at = act.now
    live = (ApiToken.person == person_id, ApiToken.revoked_at.is_(None))
    act.session.execute(update(ApiToken).where(*live).values(revoked_at=act.now))
    act.session.flush()
    _refuse_without_administrator(act.session)
    audit_log.record(act.session, "person.disabled", time=act.now, actor=act.actor, subject=person_id)
    return person


def _edited(act: Act, person_id: str, version: int) -> Person:
    where = (Person.id == person_id, Person.version == version)
    if not changed_one(act.session.execute(update(Person).where(*where).values(version=version + 1))):
        if act.session.get(Person, person_id) is None:
            raise not_found("person", person_id)
        raise PreconditionFailed("edit.conflict", "Somebody changed this meanwhile; read it again.")
    return act.session.get_one(Person, person_id, populate_existing=True)


def _refuse_without_administrator(session: Session) -> None:
    left = select(PersonRole.person).join(Person, Person.id == PersonRole.person)
    left = left.where(PersonRole.role == Role.ADMINISTRATOR, Person.disabled_at.is_(None))
    # Locked: two administrators who let go of each other in one moment must not both succeed.
    if not session.scalars(left.with_for_update()).all():
        raise Conflict("administrator.last", "This is the last administrator; appoint another first.")
