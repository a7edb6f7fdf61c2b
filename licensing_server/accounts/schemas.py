"""People and tokens on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from licensing_server.accounts.four_eyes import Matter
from licensing_server.accounts.restoration import Restoration
from licensing_server.accounts.tables import ApiToken, Person
from licensing_server.web import Body, Reply, Role

Name = Annotated[str, Field(min_length=1, max_length=200)]


class NewPerson(Body):
    """A person to add."""

    name: Name
    roles: list[Role]


class Roles(Body):
    """The roles that a person shall hold."""

    roles: list[Role]


class PersonReply(Reply):
    """A person."""

    id: str
    name: str
    roles: list[Role]
    created_at: int
    disabled_at: int | None
    version: int

    @classmethod
    def of(cls, person: Person) -> PersonReply:
        """Show one row."""
        return cls(
            id=person.id,
            name=person.name,
            roles=sorted(Role(row.role) for row in person.roles),
            created_at=person.created_at,
            disabled_at=person.disabled_at,
            version=person.version,
        )


class RestorationReply(Reply):
    """A restore that waits for two people, or that two have accepted."""

    restored_at: int
    backup_made_at: int
    loss: str
    first: str | None
    second: str | None

    @classmethod
    def of(cls, restoration: Restoration, matter: Matter | None) -> RestorationReply:
        """Show a restore with who has accepted it."""
        return cls(
            restored_at=restoration.restored_at,
            backup_made_at=restoration.backup_made_at,
            loss=restoration.loss,
            first=None if matter is None else matter.first,
            second=None if matter is None else matter.second,
        )


class NewToken(Body):
    """A token to make; ``days`` until it expires, at most and if not said as many as the server's setting allows."""

    label: Annotated[str, Field(min_length=1, max_length=100)] = "api"
    days: Annotated[int | None, Field(ge=1, le=366)] = None


class TokenReply(Reply):
    """A token, without its secret."""

    id: str
    person: str
    label: str
    created_at: int
    expires_at: int
    revoked_at: int | None


class IssuedToken(TokenReply):
    """``token`` is shown this once."""

    token: str

    @classmethod
    def of(cls, row: ApiToken, text: str) -> IssuedToken:
        """Show a new token with its text."""
        return cls(**TokenReply.model_validate(row).model_dump(), token=text)
