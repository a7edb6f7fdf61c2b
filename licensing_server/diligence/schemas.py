"""Parties on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from licensing_server.catalogue import Regions
from licensing_server.web import Body, Reply


def _country(code: str) -> str:
    if not Regions.load().is_country(code):
        raise ValueError("must be a country's code of two capitals (ISO 3166-1), such as FR; see the list of regions")
    return code


Country = Annotated[str, AfterValidator(_country), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})]
PartyRole = Literal["end-user", "consignee", "intermediary"]


class NewParty(Body):
    """A party to add, or what an edited one shall be. ``country``: ISO 3166-1 alpha-2."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    country: Country
    role: PartyRole = "end-user"


class PartyReply(Reply):
    """A party."""

    id: str
    name: str
    country: str
    role: str
    created_at: int
    version: int
