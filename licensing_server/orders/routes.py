"""Placing and following orders."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_server.orders import progress
from licensing_server.orders.place import Kind, Reason, Scope, order_of, place, reinstate
from licensing_server.orders.schemas import NewOrder, OrderReply
from licensing_server.orders.tables import Order, OrderTarget
from licensing_server.web import Access, Act, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1/orders", tags=["orders"])
Reader = Annotated[Access, requires(Role.COMPLIANCE, Role.APPROVER, Role.AUDITOR)]
Writer = Annotated[Access, requires(Role.COMPLIANCE)]


@router.post("", status_code=201, response_model=OrderReply)
def place_order(access: Writer, body: NewOrder) -> Response:
    """Suspend, revoke or reinstate; in force when this answers, at devices with the next status list."""
    reason = Reason(body.reason_code, body.reason_text)

    def act_on(act: Act) -> OrderReply:
        if body.undoes is not None:
            return _show(act.session, reinstate(act.session, body.undoes, reason, actor=act.actor, now=act.now))
        scope = Scope(body.scope.device, body.scope.capability) if body.scope else Scope("")
        return _show(act.session, place(act.session, Kind(body.kind), scope, reason, actor=act.actor, now=act.now))

    return access.change(act_on, status=201)


@router.get("")
def list_orders(access: Reader, cursor: Cursor, device: Identifier | None = None) -> Page[OrderReply]:
    """List orders."""
    rows = select(Order)
    if device is not None:
        rows = rows.where(Order.id.in_(select(OrderTarget.order).where(OrderTarget.device == device)))
    with access.read() as act:
        found, following = page_of(act.session, rows, (Order.placed_at, Order.id), cursor)
        return Page(items=[_show(act.session, order) for order in found], next=following)


@router.get("/{order}")
def read_order(access: Reader, order: Identifier) -> OrderReply:
    """Read an order, with what devices have confirmed of it."""
    with access.read() as act:
        return _show(act.session, order_of(act.session, order))


@router.post("/{order}/confirmation", response_model=OrderReply)
def confirm_quarantine(access: Writer, order: Identifier) -> Response:
    """Let a quarantine stand until it is undone."""
    return access.change(lambda act: _show(act.session, progress.confirm_quarantine(act, order)))


def _show(session: Session, order: Order) -> OrderReply:
    targets = select(OrderTarget).where(OrderTarget.order == order.id).order_by(OrderTarget.capability).limit(200)
    return OrderReply.of(order, list(session.scalars(targets)))
