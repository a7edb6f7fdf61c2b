"""``interlock provisos``, ``regions`` and ``capabilities``: what plans are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from licensing_server.cli.client import segment
from licensing_server.cli.command import Desk, ListDesk, staff, staff_list
from licensing_server.cli.files import read_object

provisos = typer.Typer(help="Provisos: reusable sets of limits that plans refer to.", no_args_is_help=True)
regions = typer.Typer(help="Countries and regions that an area may name.", no_args_is_help=True)
capabilities = typer.Typer(help="What products can do that may be stripped or limited.", no_args_is_help=True)
_Proviso = Annotated[str, typer.Argument(help="Id of the proviso, proviso_…")]
_Content = Annotated[
    Path, typer.Option("--file", help="JSON file with limits, and zones where limits name them.", exists=True)
]


@provisos.command("add")
@staff
def add_proviso(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Name.")],
    file: _Content,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Add a proviso, from a JSON file such as {"limits": {"quota": {"uses": 100, "per": "P1D"}}}.

    Example:  interlock provisos add "Business hours" --file hours.json
    """
    desk.output.record(desk.client.post("/v1/provisos", {"name": name, "description": description} | read_object(file)))


@provisos.command("list")
@staff_list
def list_provisos(desk: ListDesk) -> None:
    """List the provisos.

    Example:  interlock provisos list
    """
    desk.show("/v1/provisos", ("id", "name", "description", "limits", "created_at"))


@provisos.command("show")
@staff
def show_proviso(desk: Desk, proviso: _Proviso) -> None:
    """Show a proviso.

    Example:  interlock provisos show proviso_7aB…
    """
    desk.output.record(desk.client.get(f"/v1/provisos/{segment(proviso)}"))


@provisos.command("edit")
@staff
def edit_proviso(desk: Desk, proviso: _Proviso, file: _Content) -> None:
    """Change the limits of a proviso. What was issued with it stays as it is until its next issue.

    Example:  interlock provisos edit proviso_7aB… --file hours.json
    """
    path = f"/v1/provisos/{segment(proviso)}"
    found, etag = desk.client.read(path)
    kept = {name: found[name] for name in ("name", "description", "limits", "zones")}
    desk.output.record(desk.client.put(path, kept | read_object(file), etag))


@regions.command("list")
@staff
def list_regions(desk: Desk) -> None:
    """List the regions whose borders can be cut into an entitlement.

    Example:  interlock regions list
    """
    desk.output.rows(desk.client.get("/v1/regions"), ("code", "name", "level"))


@regions.command("show")
@staff
def show_region(desk: Desk, code: Annotated[str, typer.Argument(help="Code, such as FR or GB-ENG.")]) -> None:
    """Show the zone that a region becomes, and how many positions it spends.

    Example:  interlock regions show FR
    """
    desk.output.record(desk.client.get(f"/v1/regions/{segment(code)}"))


@capabilities.command("list")
@staff
def list_capabilities(desk: Desk) -> None:
    """List every capability: what it is, and why it is sensitive.

    Example:  interlock capabilities list
    """
    desk.output.rows(desk.client.get("/v1/capabilities"), ("id", "family", "description", "suggested_limits"))


@capabilities.command("add")
@staff
def add_capability(
    desk: Desk,
    capability: Annotated[str, typer.Argument(help="Id, such as gate.open_all.")],
    family: Annotated[str, typer.Option(help="The class it belongs to.")],
    description: Annotated[str, typer.Option(help="What it does, plainly.")],
    misuse: Annotated[str, typer.Option(help="How it could be misused: why it is sensitive.")],
) -> None:
    """Add a capability of your own to the catalogue.

    Example:  interlock capabilities add gate.open_all --family Gates --description "Opens all" --misuse "Lets all in"
    """
    body = {"id": capability, "family": family, "description": description, "misuse": misuse}
    desk.output.record(desk.client.post("/v1/capabilities", body))
