"""``interlock orders``: previews, what was ordered, second persons, how far orders have come, appeals."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from licensing_server.cli.client import segment
from licensing_server.cli.command import Desk, ListDesk, staff, staff_list
from licensing_server.cli.orders import follow_steps, sentence_of, sentence_of_extent
from licensing_server.cli.scopes import scoped

orders = typer.Typer(
    help="Orders: what was suspended, revoked, limited or quarantined, by whom and why, and how far it has come.",
    no_args_is_help=True,
)
_COLUMNS = ("id", "kind", "state", "scope", "reason_code", "actor", "placed_at", "targeted", "undone_by")
_APPEAL_COLUMNS = ("id", "device", "received_at", "text", "outcome", "answer")
_FIGURES = ("confirmed", "overdue", "unreachable", "waiting")
_Order = Annotated[str, typer.Argument(help="Id of the order, order_…")]


class State(StrEnum):
    """What became of an order."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    UNDONE = "undone"
    EXPIRED = "expired"
    VOID = "void"


class Outcome(StrEnum):
    """What an appeal came to."""

    UPHELD = "upheld"
    DISMISSED = "dismissed"


@orders.command("preview")
@staff
@scoped
def preview(
    desk: Desk,
    scope: dict[str, Any],
) -> None:
    """Show how many devices and grants a scope reaches, in which countries, and what stays on. Nothing happens.

    Example:  interlock orders preview --country FR --capability face.identify_1toN
    """
    extent = desk.client.post("/v1/orders/preview", {"kind": "suspend", "scope": scope})
    desk.output.record(extent, sentence_of_extent(extent))


@orders.command("list")
@staff_list
def list_orders(
    desk: ListDesk,
    device: Annotated[str | None, typer.Option(help="Only those that reach this device.")] = None,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
) -> None:
    """List orders.

    Example:  interlock orders list --state waiting
    """
    desk.show("/v1/orders", _COLUMNS, device=device, state=state)


@orders.command("show")
@staff
def show(desk: Desk, order: _Order) -> None:
    """Show an order, and which devices have confirmed that they know it.

    Example:  interlock orders show order_Lw2…
    """
    desk.output.record(desk.client.get(f"/v1/orders/{segment(order)}"))


@orders.command("confirm")
@staff
def confirm(desk: Desk, order: _Order) -> None:
    """Be the second person of an order that waits; let an emergency order or a quarantine stand that would lapse.

    Example:  interlock orders confirm order_Lw2…
    """
    confirmed = follow_steps(desk, f"/v1/orders/{segment(order)}/confirmation", None)
    desk.output.record(confirmed, sentence_of(confirmed), without=("targets",))


@orders.command("targets")
@staff_list
def targets(
    desk: ListDesk,
    order: _Order,
    confirmed: Annotated[
        bool | None, typer.Option("--confirmed/--unconfirmed", help="Only devices that have, or have not, shown it.")
    ] = None,
) -> None:
    """List the devices that an order reaches, with when each showed that it knows.

    Example:  interlock orders targets order_Lw2… --unconfirmed
    """
    wanted = None if confirmed is None else str(confirmed).lower()
    desk.show(f"/v1/orders/{segment(order)}/targets", ("device", "capability", "confirmed_at"), confirmed=wanted)


@orders.command("follow")
@staff
def follow(
    desk: Desk,
    order: _Order,
    once: Annotated[bool, typer.Option("--once", help="Show it as it is now, and end.")] = False,
) -> None:
    """Show live how far an order has come, until every device has confirmed it or is overdue.

    Overdue devices got no list or receipt for so long that a sound one denies by itself: presumed, not proven.

    Example:  interlock orders follow order_Lw2…
    """
    path = f"/v1/orders/{segment(order)}/propagation"
    if once:
        desk.output.record(desk.client.get(path))
        return
    last: Mapping[str, Any] = {}
    with desk.output.progress("Confirmed") as bar:
        while not _is_over(last):
            for last in desk.client.events(path):
                _tell(desk, last)
                bar.show(_figures(last), last["confirmed"] + last["overdue"], last["targeted"])
                if _is_over(last):
                    break
    if not desk.output.as_json:
        desk.output.record(last)


@orders.command("appeal")
@staff
def appeal(
    desk: Desk,
    order: _Order,
    text: Annotated[str, typer.Option(help="What the operator objects to, as they said it.")],
    device: Annotated[str | None, typer.Option(help="The device that they operate.")] = None,
) -> None:
    """Write down an operator's appeal against an order.

    Example:  interlock orders appeal order_Lw2… --device AQx3… --text "Our camera guards a bird sanctuary."
    """
    body = {"text": text} | ({} if device is None else {"device": device})
    desk.output.record(desk.client.post(f"/v1/orders/{segment(order)}/appeals", body))


@orders.command("appeals")
@staff_list
def appeals(desk: ListDesk, order: _Order) -> None:
    """List the appeals against an order, and their answers.

    Example:  interlock orders appeals order_Lw2…
    """
    desk.show(f"/v1/orders/{segment(order)}/appeals", _APPEAL_COLUMNS)


@orders.command("answer")
@staff
def answer(
    desk: Desk,
    order: _Order,
    appeal: Annotated[str, typer.Argument(help="Id of the appeal, appeal_…")],
    outcome: Annotated[Outcome, typer.Option(help="What it came to.")],
    text: Annotated[str, typer.Option(help="Why; the operator reads it.")],
) -> None:
    """Answer an appeal, as another person than the one who ordered. What is upheld you then undo: interlock reinstate.

    Example:  interlock orders answer order_Lw2… appeal_q3R… --outcome upheld --text "The device was another one."
    """
    path = f"/v1/orders/{segment(order)}/appeals/{segment(appeal)}/answer"
    desk.output.record(desk.client.post(path, {"outcome": outcome, "text": text}))


def _is_over(found: Mapping[str, Any]) -> bool:
    return bool(found) and found["targeted"] == found["confirmed"] + found["overdue"]


def _figures(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{found[name]} {name}" for name in _FIGURES)


def _tell(desk: Desk, found: Mapping[str, Any]) -> None:
    if desk.output.as_json:
        desk.output.json(found)
