"""Managing parties."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from sqlalchemy import select

from licensing_server.diligence import parties
from licensing_server.diligence.schemas import Country, NewParty, PartyReply
from licensing_server.diligence.tables import Party
from licensing_server.web import Access, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1/parties", tags=["parties"])
Reader = Annotated[Access, requires(Role.COMPLIANCE, Role.APPROVER, Role.AUDITOR)]
Writer = Annotated[Access, requires(Role.COMPLIANCE)]


@router.get("")
def list_parties(access: Reader, cursor: Cursor, country: Country | None = None) -> Page[PartyReply]:
    """List parties."""
    rows = select(Party) if country is None else select(Party).where(Party.country == country)
    with access.read() as act:
        found, following = page_of(act.session, rows, (Party.created_at, Party.id), cursor)
        return Page(items=[PartyReply.model_validate(party) for party in found], next=following)


@router.post("", status_code=201, response_model=PartyReply)
def add_party(access: Writer, body: NewParty) -> Response:
    """Add a party."""
    return access.change(lambda act: PartyReply.model_validate(parties.add(act, **body.model_dump())), status=201)


@router.get("/{party}")
def read_party(access: Reader, response: Response, party: Identifier) -> PartyReply:
    """Read a party; its ETag is what an edit must name."""
    with access.read() as act:
        found = PartyReply.model_validate(parties.party_of(act.session, party))
        response.headers["ETag"] = f'"{found.version}"'
        return found


@router.put("/{party}", response_model=PartyReply)
def edit_party(access: Writer, party: Identifier, body: NewParty) -> Response:
    """Change a party."""
    version = access.expected_version()
    return access.change(lambda act: PartyReply.model_validate(parties.edit(act, party, version, **body.model_dump())))
