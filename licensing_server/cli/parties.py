"""``interlock parties``: end-users, consignees and intermediaries."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from licensing_server.cli.client import segment
from licensing_server.cli.command import Desk, ListDesk, staff, staff_list

parties = typer.Typer(help="End-users, consignees and intermediaries.", no_args_is_help=True)


class PartyRole(StrEnum):
    """What a party is in a sale."""

    END_USER = "end-user"
    CONSIGNEE = "consignee"
    INTERMEDIARY = "intermediary"


_Party = Annotated[str, typer.Argument(help="Id of the party, party_…")]
_Country = Annotated[str, typer.Option(help="Country of destination, ISO 3166-1 alpha-2, such as FR.")]
_Role = Annotated[PartyRole, typer.Option(help="What the party is in the sale.")]


@parties.command("add")
@staff
def add(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Name.")],
    country: _Country,
    role: _Role = PartyRole.END_USER,
) -> None:
    """Add a party. Documents and the log name it by its id only.

    Example:  interlock parties add "Ministry of Parks" --country FR
    """
    desk.output.record(desk.client.post("/v1/parties", {"name": name, "country": country, "role": role}))


@parties.command("list")
@staff_list
def list_parties(
    desk: ListDesk, country: Annotated[str | None, typer.Option(help="Only of this destination.")] = None
) -> None:
    """List the parties.

    Example:  interlock parties list --country FR
    """
    desk.show("/v1/parties", ("id", "name", "country", "role", "created_at"), country=country)


@parties.command("show")
@staff
def show(desk: Desk, party: _Party) -> None:
    """Show a party.

    Example:  interlock parties show party_9fK…
    """
    desk.output.record(desk.client.get(f"/v1/parties/{segment(party)}"))


@parties.command("edit")
@staff
def edit(
    desk: Desk,
    party: _Party,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    country: Annotated[str | None, typer.Option(help="Its new destination.")] = None,
    role: Annotated[PartyRole | None, typer.Option(help="What it is now.")] = None,
) -> None:
    """Change a party; what is not given stays as it is.

    Example:  interlock parties edit party_9fK… --name "Ministry of Forests"
    """
    path = f"/v1/parties/{segment(party)}"
    found, etag = desk.client.read(path)
    wanted = {"name": name, "country": country, "role": role}
    body = {field: found[field] if value is None else value for field, value in wanted.items()}
    desk.output.record(desk.client.put(path, body, etag))
