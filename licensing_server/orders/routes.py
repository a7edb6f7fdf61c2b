"""Placing, confirming and following orders; appeals."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_server import accounts
from licensing_server.config import Settings
from licensing_server.entitlements.tables import OrderTarget
from licensing_server.orders import appeals, life
from licensing_server.orders.draft import draft_of, extent_of_draft
from licensing_server.orders.kinds import Rules
from licensing_server.orders.place import is_beyond, order_of, place
from licensing_server.orders.schemas import (
    Aim,
    AppealAnswer,
    AppealReply,
    ExtentReply,
    NewAppeal,
    NewOrder,
    OrderReply,
)
from licensing_server.orders.tables import Appeal, Order
from licensing_server.web import Access, Act, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1/orders", tags=["orders"])
Reader = Annotated[Access, requires(Role.COMPLIANCE, Role.APPROVER, Role.AUDITOR)]
Writer = Annotated[Access, requires(Role.COMPLIANCE)]
Either = Annotated[Access, requires(Role.COMPLIANCE, Role.APPROVER)]
Approver = Annotated[Access, requires(Role.APPROVER)]
_HOUR_S = 3600
_MOST_TARGETS = 200


@router.post("/preview")
def preview_order(access: Reader, request: Request, body: Aim) -> ExtentReply:
    """Count what an order would reach, before anything happens; nothing is stored."""
    with access.read() as act:
        extent = extent_of_draft(act.session, body)
        return ExtentReply.of(extent, second_person=is_beyond(_rules(request), extent.reach))


@router.post("", status_code=201, response_model=OrderReply)
def place_order(access: Writer, request: Request, body: NewOrder) -> Response:
    """Suspend, revoke, limit or reinstate.

    In force when this answers with `in_force`, at devices with the next status list. `waiting`: it reaches so far that
    a second person must confirm it. `scheduled`: it takes force at its time.
    """

    def act_on(act: Act) -> OrderReply:
        draft = draft_of(act.session, body)
        return _show(act.session, place(act.session, draft, _rules(request), actor=act.actor, now=act.now))

    return access.change(act_on, status=201)


@router.get("")
def list_orders(
    access: Reader,
    cursor: Cursor,
    device: Identifier | None = None,
    state: Literal["waiting", "scheduled", "in_force", "undone", "expired", "void"] | None = None,
) -> Page[OrderReply]:
    """List orders."""
    rows = select(Order)
    if device is not None:
        rows = rows.where(Order.id.in_(select(OrderTarget.order).where(OrderTarget.device == device)))
    if state is not None:
        rows = rows.where(Order.state == state)
    with access.read() as act:
        found, following = page_of(act.session, rows, (Order.placed_at, Order.id), cursor)
        return Page(items=[_show(act.session, order) for order in found], next=following)


@router.get("/{order}")
def read_order(access: Reader, order: Identifier) -> OrderReply:
    """Read an order, with what devices have confirmed of it."""
    with access.read() as act:
        return _show(act.session, order_of(act.session, order))


@router.post("/{order}/confirmation", response_model=OrderReply)
def confirm_order(access: Either, request: Request, order: Identifier) -> Response:
    """Be the second person of an order that waits, or let an emergency order or a quarantine stand."""
    quiet_s = _settings(request).four_eyes_hours * _HOUR_S
    return accounts.change_as_second(access, lambda act: _show(act.session, life.confirm(act, order, quiet_s)))


@router.post("/{order}/appeals", status_code=201, response_model=AppealReply)
def record_appeal(access: Either, order: Identifier, body: NewAppeal) -> Response:
    """Write down what a device's operator objects to."""
    return access.change(
        lambda act: AppealReply.model_validate(appeals.record(act, order, device=body.device, text=body.text)),
        status=201,
    )


@router.get("/{order}/appeals")
def list_appeals(access: Reader, order: Identifier, cursor: Cursor) -> Page[AppealReply]:
    """List the appeals against an order."""
    with access.read() as act:
        rows = select(Appeal).where(Appeal.order == order_of(act.session, order).id)
        found, following = page_of(act.session, rows, (Appeal.received_at, Appeal.id), cursor)
        return Page(items=[AppealReply.model_validate(appeal) for appeal in found], next=following)


@router.post("/{order}/appeals/{appeal}/answer", response_model=AppealReply)
def answer_appeal(access: Approver, order: Identifier, appeal: Identifier, body: AppealAnswer) -> Response:
    """Answer an appeal, as another person than the one who ordered. What is upheld is undone by an order of its own."""

    def answer(act: Act) -> AppealReply:
        answered = appeals.answer(act, order, appeal, outcome=body.outcome, text=body.text)
        return AppealReply.model_validate(answered)

    return accounts.change_as_second(access, answer)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _rules(request: Request) -> Rules:
    return Rules.of(_settings(request))


def _show(session: Session, order: Order) -> OrderReply:
    targets = select(OrderTarget).where(OrderTarget.order == order.id).order_by(OrderTarget.device)
    return OrderReply.of(order, list(session.scalars(targets.limit(_MOST_TARGETS))))
