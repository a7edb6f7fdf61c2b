"""``interlock suspend``, ``revoke``, ``limit``, ``reinstate``: whom an order reaches is shown before it is placed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from licensing_server.cli.command import Desk, staff
from licensing_server.cli.exits import Misused
from licensing_server.cli.files import read_object
from licensing_server.cli.scopes import scoped


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


_Code = Annotated[ReasonCode, typer.Option("--reason-code", help="The kind of reason.")]
_Reason = Annotated[str, typer.Option("--reason", help="A sentence that the devices' operators and reviewers read.")]
_At = Annotated[str | None, typer.Option("--at", help="When it takes force, such as 2026-12-01T08:00:00Z; else now.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
_Order = Annotated[str, typer.Argument(help="Id of the order, order_…")]
_SENTENCES = {
    "waiting": "It reaches so far that it waits for a second person: interlock orders confirm {id}",
    "scheduled": "It takes force at its time.",
    "in_force": "In force now; devices lose it with the next status list, or at the latest at their max_offline.",
}


@staff
@scoped
def suspend(
    desk: Desk,
    scope: dict[str, Any],
    reason_code: _Code,
    reason: _Reason,
    at: _At = None,
    emergency: Annotated[
        bool, typer.Option("--emergency", help="In force at once however far it reaches; lapses unless confirmed.")
    ] = False,
    yes: _Yes = False,
) -> None:
    """Suspend capabilities of the devices that match all that you name, until it is reinstated; operators are told why.

    Example:  interlock suspend --country FR --product camera --capability face.identify_1toN
    --reason-code misuse_reported --reason "Two journalists reported use at a rally."
    """
    _place(desk, {"kind": "suspend", "scope": scope, "emergency": emergency}, reason_code, reason, at=at, yes=yes)


@staff
@scoped
def revoke(
    desk: Desk,
    scope: dict[str, Any],
    reason_code: _Code,
    reason: _Reason,
    at: _At = None,
    yes: _Yes = False,
) -> None:
    """Revoke capabilities of the devices that match all that you name. Their present grants end for good.

    Example:  interlock revoke --device AQx3… --capability face.identify_1toN --reason-code misuse_confirmed
    --reason "The review of 3 March confirmed misuse."
    """
    if not yes and not sys.stdin.isatty():
        raise Misused("confirm.needed", "A revocation is final: say --yes where nobody can be asked.")
    _place(desk, {"kind": "revoke", "scope": scope}, reason_code, reason, at=at, yes=yes, ask=True)


@staff
@scoped
def limit(
    desk: Desk,
    scope: dict[str, Any],
    limits: Annotated[Path, typer.Option(help='JSON file: {"limits": {…}, "zones": {…}}.', exists=True)],
    reason_code: _Code,
    reason: _Reason,
    at: _At = None,
    yes: _Yes = False,
) -> None:
    """Lay limits on the grants that match all that you name, in place of the same kinds of limits that they have.

    The old grants end at once; each device gets its new ones when it next asks.

    Example:  interlock limit --country FR --capability face.identify_1toN --limits two-operators.json
    --reason-code rules_changed --reason "From March on two operators must stand behind each search."
    """
    terms = read_object(limits)
    body = {"kind": "limit", "scope": scope, "limits": terms.get("limits"), "zones": terms.get("zones", {})}
    _place(desk, body, reason_code, reason, at=at, yes=yes)


@staff
def reinstate(
    desk: Desk, order: _Order, reason_code: _Code, reason: _Reason, at: _At = None, yes: _Yes = False
) -> None:
    """Undo an order by another one, with its own reason. What other orders hold back stays held back.

    Example:  interlock reinstate order_Lw2… --reason-code review_ended --reason "The report was about another device."
    """
    _place(desk, {"kind": "reinstate", "undoes": order}, reason_code, reason, at=at, yes=yes)


def follow_steps(desk: Desk, path: str, body: Mapping[str, Any] | None) -> Any:
    """Do long work of the server, with a bar."""
    with desk.output.progress("Placing the order") as bar:
        return desk.client.post_long(path, body, bar.show)


def sentence_of(order: Mapping[str, Any]) -> str:
    """Return what an order's state means to whoever just placed or confirmed it."""
    if order["kind"] == "reinstate" and order["state"] == "in_force":
        return "The order is undone."
    if order["state"] == "in_force" and order["lapses_at"] is not None:
        return f"In force now; it lapses unless a second person confirms it: interlock orders confirm {order['id']}"
    return _SENTENCES.get(order["state"], "").format(id=order["id"])


def _place(
    desk: Desk,
    body: dict[str, Any],
    code: ReasonCode,
    reason: str,
    *,
    at: str | None,
    yes: bool,
    ask: bool = False,
) -> None:
    body |= {"reason_code": code, "reason_text": reason}
    if at is not None:
        body["effective_at"] = _instant(at)
    if not yes and sys.stdin.isatty():
        _show_first(desk, body, ask=ask)
    order = follow_steps(desk, "/v1/orders", body)
    desk.output.record(order, sentence_of(order), without=("targets",))


def _show_first(desk: Desk, body: Mapping[str, Any], *, ask: bool) -> None:
    aim = {name: body[name] for name in ("kind", "scope", "undoes", "limits", "zones") if name in body}
    extent = desk.client.post("/v1/orders/preview", aim)
    desk.output.note(sentence_of_extent(extent))
    if ask or extent["devices"] > 1:
        typer.confirm("Place it?", abort=True, err=True)


def sentence_of_extent(extent: Mapping[str, Any]) -> str:
    """Return a preview in words."""
    where = ", ".join(f"{country} {count}" for country, count in extent["countries"].items()) or "no country"
    second = " A second person must confirm it." if extent["second_person"] else ""
    stays = ", ".join(extent["safety"]) or "none declared"
    return (
        f"It reaches {extent['devices']} devices ({where}) and {extent['grants']} grants. "
        f"Safety functions that stay on: {stays}.{second}"
    )


def _instant(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misused("instant.malformed", f"{text!r} is no instant such as 2026-12-01T08:00:00Z.") from error
    if instant.tzinfo is None:
        raise Misused("instant.zone", f"{text!r} has no time zone; add Z for UTC, or an offset such as +01:00.")
    return int(instant.timestamp())
