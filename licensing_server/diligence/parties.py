"""Adding and editing parties; names are only committed to in the log."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from licensing_server import audit_log
from licensing_server.database import changed_one, new_id
from licensing_server.diligence.tables import Party
from licensing_server.problem import PreconditionFailed, not_found
from licensing_server.web import Act


def add(act: Act, *, name: str, country: str, role: str) -> Party:
    """Add a party. ``country`` is the ISO 3166-1 alpha-2 code of its destination."""
    party = Party(id=new_id("party"), name=name, country=country, role=role, created_at=act.now, version=1)
    act.session.add(party)
    _record(act, "party.added", party)
    act.session.flush()
    return party


def edit(act: Act, party_id: str, version: int, *, name: str, country: str, role: str) -> Party:
    """Change a party.

    Raises:
        NotFound, PreconditionFailed.
    """
    values = {"name": name, "country": country, "role": role, "version": version + 1}
    expected = (Party.id == party_id, Party.version == version)
    if not changed_one(act.session.execute(update(Party).where(*expected).values(values))):
        party_of(act.session, party_id)
        raise PreconditionFailed("edit.conflict", "Somebody changed this meanwhile; read it again.")
    party = act.session.get_one(Party, party_id, populate_existing=True)
    _record(act, "party.edited", party)
    return party


def party_of(session: Session, party_id: str) -> Party:
    """Return a party.

    Raises:
        NotFound: ``party.unknown``.
    """
    party = session.get(Party, party_id)
    if party is None:
        raise not_found("party", party_id)
    return party


def _record(act: Act, type: str, party: Party) -> None:
    audit_log.record(
        act.session,
        type,
        time=act.now,
        actor=act.actor,
        subject=party.id,
        data={"country": party.country, "role": party.role},
        sensitive={"name": party.name},
    )
