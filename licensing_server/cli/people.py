"""``interlock people``: who may act, and by which token."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from licensing_server.cli.client import read_token, segment
from licensing_server.cli.command import Desk, ListDesk, staff, staff_list
from licensing_server.cli.exits import Misused, Refused
from licensing_server.cli.files import replace_secret, write_secret

people = typer.Typer(help="Who may act here: people, the roles they hold, and their API tokens.", no_args_is_help=True)
_COLUMNS = ("id", "name", "roles", "created_at", "disabled_at")


class Role(StrEnum):
    """The roles that the server knows."""

    ADMINISTRATOR = "administrator"
    COMPLIANCE = "compliance"
    APPROVER = "approver"
    AUDITOR = "auditor"
    VENDOR = "vendor"


_Person = Annotated[str, typer.Argument(help="Id of the person, person_…")]
_Roles = Annotated[list[Role], typer.Option("--role", help="A role; repeat it for several.")]
_Out = Annotated[Path | None, typer.Option("--out", help="Write the token to this new file, readable by you alone.")]


@people.command("add")
@staff
def add(desk: Desk, name: Annotated[str, typer.Argument(help="Full name.")], role: _Roles) -> None:
    """Add a person with roles. The name stays in the database; the log knows only the id.

    Example:  interlock people add "Cleo Compliance" --role compliance --role approver
    """
    desk.output.record(desk.client.post("/v1/people", {"name": name, "roles": role}))


@people.command("list")
@staff_list
def list_people(desk: ListDesk) -> None:
    """List everybody who has or had access.

    Example:  interlock people list
    """
    desk.show("/v1/people", _COLUMNS)


@people.command("roles")
@staff
def roles(desk: Desk, person: _Person, role: _Roles) -> None:
    """Give a person exactly these roles, and no other.

    Example:  interlock people roles person_4Tz… --role auditor
    """
    etag = f'"{_find(desk, person)["version"]}"'
    desk.output.record(desk.client.put(f"/v1/people/{segment(person)}/roles", {"roles": role}, etag))


@people.command("disable")
@staff
def disable(desk: Desk, person: _Person) -> None:
    """End a person's access: every token of theirs stops working at once.

    Example:  interlock people disable person_4Tz…
    """
    etag = f'"{_find(desk, person)["version"]}"'
    desk.output.record(desk.client.post(f"/v1/people/{segment(person)}/disabling", etag=etag))


@people.command("token")
@staff
def token(
    desk: Desk,
    person: _Person,
    label: Annotated[str, typer.Option(help="What it is for.")] = "api",
    days: Annotated[int, typer.Option(help="Days until it expires.", min=1, max=366)] = 90,
    out: _Out = None,
) -> None:
    """Make an API token for a person. It is shown this once, or written to a file.

    Example:  interlock people token person_4Tz… --out cleo.token
    """
    made = desk.client.post(f"/v1/people/{segment(person)}/tokens", {"label": label, "days": days})
    _hand_over(desk, made, out)


@people.command("rotate")
@staff
def rotate(desk: Desk) -> None:
    """Replace your own token by a fresh one, in your token file; the old one ends at once.

    Example:  interlock people rotate --token-file cleo.token
    """
    if desk.token_file is None:
        raise Misused("token.missing", "Name the file with the token to rotate: --token-file FILE.")
    token_id = read_token(desk.token_file).partition(".")[0]
    made = desk.client.post(f"/v1/tokens/{segment(token_id)}/rotation")
    replace_secret(desk.token_file, made.pop("token") + "\n")
    desk.output.record(made | {"token_file": str(desk.token_file)})


def _hand_over(desk: Desk, made: dict[str, Any], out: Path | None) -> None:
    if out is not None:
        write_secret(out, made.pop("token") + "\n")
        made["token_file"] = str(out)
    desk.output.record(made)
    desk.output.note("Whoever has this token acts as that person. It is not shown again.")


def _find(desk: Desk, person: str) -> dict[str, Any]:
    everybody: list[dict[str, Any]] = desk.client.items("/v1/people", most=None)[0]
    for found in everybody:
        if found["id"] == person:
            return found
    raise Refused("person.unknown", f"There is no person {person!r}.", advice="See: interlock people list")
