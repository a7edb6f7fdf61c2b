"""``interlock suspend``, ``reinstate``, ``revoke`` and ``orders``."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from licensing_server.cli.client import segment
from licensing_server.cli.command import Desk, ListDesk, staff, staff_list
from licensing_server.cli.exits import Misused

orders = typer.Typer(help="Orders: what was suspended, revoked or quarantined, by whom and why.", no_args_is_help=True)
_COLUMNS = ("id", "kind", "scope", "reason_code", "actor", "placed_at", "undone_by", "lapses_at")


class ReasonCode(StrEnum):
    """The reasons that the server knows."""

    MISUSE_REPORTED = "misuse_reported"
    MISUSE_CONFIRMED = "misuse_confirmed"
    DIVERSION = "diversion"
    END_USE_CHANGED = "end_use_changed"
    RULES_CHANGED = "rules_changed"
    CONTRACT = "contract"
    DEVICE_COMPROMISED = "device_compromised"
    CONTINUITY = "continuity"
    REVIEW_ENDED = "review_ended"
    MISTAKE = "mistake"
    LAPSED = "lapsed"


_Device = Annotated[str, typer.Option("--device", help="Id of the device.")]
_Capability = Annotated[str, typer.Option("--capability", help="Id of the capability, such as face.identify_1toN.")]
_Code = Annotated[ReasonCode, typer.Option("--reason-code", help="The kind of reason.")]
_Reason = Annotated[str, typer.Option("--reason", help="A sentence that the device's operator and reviewers read.")]
_Order = Annotated[str, typer.Argument(help="Id of the order, order_…")]


@staff
def suspend(desk: Desk, device: _Device, capability: _Capability, reason_code: _Code, reason: _Reason) -> None:
    """Suspend one capability of one device, until it is reinstated. In force at once; the operator is told why.

    Example:  interlock suspend --device AQx3… --capability face.identify_1toN --reason-code misuse_reported
    --reason "Two journalists reported use at a rally."
    """
    _place(desk, "suspend", device, capability, reason_code, reason)


@staff
def revoke(
    desk: Desk,
    device: _Device,
    capability: _Capability,
    reason_code: _Code,
    reason: _Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Revoke one capability of one device. Its present grant ends for good; the operator is told why.

    Example:  interlock revoke --device AQx3… --capability face.identify_1toN --reason-code misuse_confirmed
    --reason "The review of 3 March confirmed misuse."
    """
    if not yes:
        if not sys.stdin.isatty():
            raise Misused("confirm.needed", "A revocation is final: say --yes where nobody can be asked.")
        typer.confirm(f"Revoke {capability} of {device} for good?", abort=True, err=True)
    _place(desk, "revoke", device, capability, reason_code, reason)


@staff
def reinstate(desk: Desk, order: _Order, reason_code: _Code, reason: _Reason) -> None:
    """Undo an order by another one, with its own reason.

    Example:  interlock reinstate order_Lw2… --reason-code review_ended --reason "The report was about another device."
    """
    body = {"kind": "reinstate", "undoes": order, "reason_code": reason_code, "reason_text": reason}
    desk.output.record(desk.client.post("/v1/orders", body), "The order is undone.")


@orders.command("list")
@staff_list
def list_orders(
    desk: ListDesk, device: Annotated[str | None, typer.Option(help="Only about this device.")] = None
) -> None:
    """List orders.

    Example:  interlock orders list --device AQx3…
    """
    desk.show("/v1/orders", _COLUMNS, device=device)


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
    """Let a quarantine stand that would lapse by itself.

    Example:  interlock orders confirm order_Lw2…
    """
    desk.output.record(desk.client.post(f"/v1/orders/{segment(order)}/confirmation"))


def _place(desk: Desk, kind: str, device: str, capability: str, code: ReasonCode, reason: str) -> None:
    scope = {"device": device, "capability": capability}
    body = {"kind": kind, "scope": scope, "reason_code": code, "reason_text": reason}
    sentence = "In force now; the device loses it with the next status list, or at the latest at its max_offline."
    desk.output.record(desk.client.post("/v1/orders", body), sentence)
