"""Placing, confirming and following orders; appeals."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.sse import EventSourceResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_server import accounts
from licensing_server.config import Settings
from licensing_server.entitlements.tables import OrderTarget
from licensing_server.orders import appeals, life
from licensing_server.orders.alone import needs_second
from licensing_server.orders.draft import draft_of, extent_of_draft
from licensing_server.orders.follow import Followers
from licensing_server.orders.kinds import Kind, Rules
from licensing_server.orders.place import order_of, place
from licensing_server.orders.propagation import propagation_of
from licensing_server.orders.schemas import (
    Aim,
    AppealAnswer,
    AppealReply,
    ExtentReply,
    NewAppeal,
    NewOrder,
    OrderReply,
    PropagationReply,
    TargetReply,
)
from licensing_server.orders.tables import Appeal, Order
from licensing_server.problem import TooMany
from licensing_server.web import Access, Act, Cursor, Identifier, Page, Role, page_of, requires
from licensing_server.web.lines import Told, answer_long

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
        rules, kind = _rules(request), Kind(body.kind)
        second = needs_second(act.session, rules, kind, extent.reach, actor=act.actor, now=act.now)
        return ExtentReply.of(extent, second_person=second)


@router.post("", status_code=201, response_model=OrderReply)
def place_order(access: Writer, request: Request, body: NewOrder) -> Response:
    """Suspend, revoke, limit or reinstate.

    In force when this answers with `in_force`, at devices with the next status list. `waiting`: it reaches so far that
    a second person must confirm it. `scheduled`: it takes force at its time. With `Accept: application/x-ndjson` the
    answer comes as lines that tell how far it is, the last one `{status, body}`.
    """

    def work(told: Told) -> Response:
        def act_on(act: Act) -> OrderReply:
            draft = draft_of(act.session, body)
            rules = _rules(request)
            return _show(act.session, place(act.session, draft, rules, actor=act.actor, now=act.now, told=told))

        return access.change(act_on, status=201)

    return answer_long(request, work)


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
    """Be the second person of an order that waits, or let an emergency order or a quarantine stand.

    With `Accept: application/x-ndjson` the answer comes as lines, as where an order is placed.
    """
    quiet_s = _settings(request).four_eyes_hours * _HOUR_S

    def work(told: Told) -> Response:
        return accounts.change_as_second(
            access, lambda act: _show(act.session, life.confirm(act, order, quiet_s, _rules(request).witness_s, told))
        )

    return answer_long(request, work)


@router.get("/{order}/targets")
def list_targets(access: Reader, order: Identifier, cursor: Cursor, confirmed: bool | None = None) -> Page[TargetReply]:
    """List the devices that an order reaches, with when each showed that it knows."""
    with access.read() as act:
        rows = select(OrderTarget).where(OrderTarget.order == order_of(act.session, order).id)
        if confirmed is not None:
            rows = rows.where(OrderTarget.known_at.is_not(None) if confirmed else OrderTarget.known_at.is_(None))
        found, following = page_of(act.session, rows, (OrderTarget.device, OrderTarget.capability), cursor)
        return Page(items=[TargetReply.of(target) for target in found], next=following)


@router.get(
    "/{order}/propagation",
    response_model=PropagationReply,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def read_propagation(access: Reader, request: Request, order: Identifier) -> Any:
    """Read how far an order has come; with `Accept: text/event-stream` live, as events named `propagation`."""

    def read() -> PropagationReply:
        with access.read() as act:
            return look(act.session, order, _settings(request), act.now)

    found = await anyio.to_thread.run_sync(read)
    if EventSourceResponse.media_type not in request.headers.get("accept", ""):
        return found
    followers: Followers = request.app.state.followers
    if not followers.has_room:
        raise TooMany("order.followers", "Too many follow orders at this moment; read it without waiting.")
    return EventSourceResponse(followers.stream(order), headers={"Cache-Control": "no-store"})


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


def look(session: Session, order_id: str, settings: Settings, now: int) -> PropagationReply:
    """Return how far an order has come.

    Raises:
        NotFound: ``order.unknown``.
    """
    order = order_of(session, order_id)
    found = propagation_of(session, order, settings.unheard_hours * _HOUR_S, now)
    return PropagationReply.of(order, found, now)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _rules(request: Request) -> Rules:
    return Rules.of(_settings(request))


def _show(session: Session, order: Order) -> OrderReply:
    targets = select(OrderTarget).where(OrderTarget.order == order.id).order_by(OrderTarget.device)
    return OrderReply.of(order, list(session.scalars(targets.limit(_MOST_TARGETS))))
