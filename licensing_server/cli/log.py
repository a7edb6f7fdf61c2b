"""``interlock log``: every act, in its order."""

from __future__ import annotations

from typing import Annotated

import typer

from licensing_server.cli.client import segment
from licensing_server.cli.command import Desk, ListDesk, staff, staff_list

log = typer.Typer(help="The record of every act: who did what about which thing, and when.", no_args_is_help=True)
_WITNESS_COLUMNS = ("name", "state", "size", "cosigned_at", "told")
_Index = Annotated[int, typer.Argument(help="Index of the entry, from 0.", min=0)]
_COLUMNS = ("index", "time", "type", "actor", "subject", "data")


@log.command("list")
@staff_list
def list_entries(
    desk: ListDesk,
    type: Annotated[str | None, typer.Option("--type", help="Only this type, or with a dot a family: order.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only about this id.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only by this person or system.")] = None,
    since: Annotated[int | None, typer.Option(help="Only from this instant on, in seconds since 1970 UTC.")] = None,
    until: Annotated[int | None, typer.Option(help="Only up to this instant, itself included.")] = None,
    text: Annotated[
        str | None, typer.Option(help="Only with this text, in the entry or in a value beside it that you may see.")
    ] = None,
) -> None:
    """List entries in the order of the log.

    With --all everything that fits is taken out: an act, which the server first enters as log.exported.

    Example:  interlock log list --type order. --all --json
    """
    wanted = {"type": type, "subject": subject, "actor": actor, "since": since, "until": until, "text": text}
    if desk.most is None:
        given = {name: value for name, value in wanted.items() if value is not None}
        export = desk.client.post("/v1/log/exports", {"form": "list"} | given)["id"]
        desk.show(f"/v1/log/exports/{segment(export)}/entries", _COLUMNS)
    else:
        desk.show("/v1/log/entries", _COLUMNS, **wanted)


@log.command("show")
@staff
def show(desk: Desk, index: _Index) -> None:
    """Show one entry, with the exact bytes that are hashed and the values beside it that you may see.

    Example:  interlock log show 12 --json
    """
    desk.output.record(desk.client.get(f"/v1/log/entries/{segment(str(index))}"))


@log.command("witnesses")
@staff
def show_witnesses(desk: Desk) -> None:
    """Show whom the log asks to cosign its checkpoints, and what their quorum has seen.

    cosigned: all is well. failed: it does not answer, or with nothing that can be used. refused: it has seen what the
    newest checkpoint does not follow from, which is a sign that the log shows two pasts; find out why at once.

    Example:  interlock log witnesses
    """
    found = desk.client.get("/v1/log/witnesses")
    if desk.output.as_json:
        desk.output.json(found)
        return
    desk.output.rows(found["witnesses"], _WITNESS_COLUMNS)
    quorum = found["quorum"]
    seen = "no quorum is asked for" if quorum is None else f"{quorum} has seen {found['quorum_size']} entries"
    desk.output.say(f"{found['origin']}: {seen}.")


@log.command("erase")
@staff
def erase(
    desk: Desk,
    index: _Index,
    field: Annotated[str, typer.Argument(help="Name of the value, as the entry shows it.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept beside the log in its turn.")],
) -> None:
    """Erase a value beside the log for ever. The entry stays, with its commitment, and every proof still verifies.

    Example:  interlock log erase 12 name --reason "The office asked for its name to be forgotten."
    """
    path = f"/v1/log/entries/{segment(str(index))}/values/{segment(field)}/erasure"
    desk.client.post(path, {"reason": reason})
    desk.output.record({"index": index, "field": field, "state": "erased"})
