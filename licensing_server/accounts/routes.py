"""Managing people and tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from licensing_server.accounts import four_eyes, people, restoration, tokens
from licensing_server.accounts.schemas import (
    IssuedToken,
    NewPerson,
    NewToken,
    PersonReply,
    RestorationReply,
    Roles,
    TokenReply,
)
from licensing_server.accounts.tables import ApiToken, Person
from licensing_server.config import Settings
from licensing_server.problem import NotFound
from licensing_server.web import Access, Act, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1", tags=["people"])
Administrator = Annotated[Access, requires(Role.ADMINISTRATOR)]
Anyone = Annotated[Access, requires(*Role)]


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


@router.get("/me")
def read_me(access: Anyone) -> PersonReply:
    """Read who holds the token that is sent."""
    with access.read() as act:
        return PersonReply.of(act.session.get_one(Person, act.actor))


@router.get("/people")
def list_people(
    access: Annotated[Access, requires(Role.ADMINISTRATOR, Role.AUDITOR)], cursor: Cursor
) -> Page[PersonReply]:
    """List everybody."""
    with access.read() as act:
        found, following = page_of(act.session, select(Person), (Person.created_at, Person.id), cursor)
        return Page(items=[PersonReply.of(person) for person in found], next=following)


@router.post("/people", status_code=201, response_model=PersonReply)
def add_person(access: Administrator, body: NewPerson) -> Response:
    """Add a person with roles."""

    def add(act: Act) -> PersonReply:
        person = people.add_person(act.session, name=body.name, roles=body.roles, actor=act.actor, now=act.now)
        return PersonReply.of(person)

    return access.change(add, status=201)


@router.put("/people/{person}/roles", response_model=PersonReply)
def set_roles(access: Administrator, person: Identifier, body: Roles) -> Response:
    """Give a person exactly these roles."""
    version = access.expected_version()
    return access.change(lambda act: PersonReply.of(people.set_roles(act, person, body.roles, version)))


@router.post("/people/{person}/disabling", response_model=PersonReply)
def disable(access: Administrator, person: Identifier) -> Response:
    """End a person's access."""
    version = access.expected_version()
    return access.change(lambda act: PersonReply.of(people.disable(act, person, version)))


@router.post("/people/{person}/tokens", status_code=201, response_model=IssuedToken)
def issue_token(access: Administrator, request: Request, person: Identifier, body: NewToken) -> Response:
    """Make a token for a person; its text is shown this once."""
    most = _settings(request).token_days

    def issue(act: Act) -> IssuedToken:
        token, text = tokens.issue_token(
            act.session,
            person_id=person,
            label=body.label,
            days=body.days or most,
            most_days=most,
            actor=act.actor,
            now=act.now,
        )
        return IssuedToken.of(token, text)

    return access.change(issue, status=201)


@router.get("/people/{person}/tokens")
def list_tokens(access: Administrator, person: Identifier, cursor: Cursor) -> Page[TokenReply]:
    """List a person's tokens, without their secrets."""
    with access.read() as act:
        rows = select(ApiToken).where(ApiToken.person == person)
        found, following = page_of(act.session, rows, (ApiToken.created_at, ApiToken.id), cursor)
        return Page(items=[TokenReply.model_validate(token) for token in found], next=following)


@router.post("/tokens/{token}/rotation", status_code=201, response_model=IssuedToken)
def rotate(access: Anyone, request: Request, token: Identifier) -> Response:
    """Replace a token of one's own; the old one ends at once."""
    most = _settings(request).token_days
    return access.change(lambda act: IssuedToken.of(*tokens.rotate(act, token, most)), status=201)


@router.delete("/tokens/{token}", status_code=204)
def revoke(access: Anyone, token: Identifier) -> Response:
    """End a token."""
    return access.change(lambda act: tokens.revoke(act, token))


@router.get("/restoration")
def read_restoration(access: Anyone) -> RestorationReply:
    """Read the restore that waits for acceptance."""
    with access.read() as act:
        found = restoration.waiting(act.session)
        if found is None:
            raise NotFound("restore.none", "No restore waits for acceptance.")
        return RestorationReply.of(found, four_eyes.matter_of(act.session, found.subject))


@router.post("/restoration/acceptance", response_model=RestorationReply)
def accept_restoration(access: Annotated[Access, requires(*restoration.ACCEPTERS)], request: Request) -> Response:
    """Accept what a restore lost; issuing opens again once two people have."""
    quiet_s = _settings(request).four_eyes_hours * 3600

    def accept(act: Act) -> RestorationReply:
        found = restoration.accept(act, quiet_s)
        return RestorationReply.of(found, four_eyes.matter_of(act.session, found.subject))

    return four_eyes.change_as_second(access, accept)
