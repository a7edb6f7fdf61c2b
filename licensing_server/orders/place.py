"""Placing an order: what it says is recorded for good; within one person's reach it takes force at once."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject
from licensing_server import accounts, audit_log, devices
from licensing_server.database import new_id
from licensing_server.entitlements import Scope, restrictions
from licensing_server.orders.alone import needs_second
from licensing_server.orders.force import take_force
from licensing_server.orders.kinds import LIVE, SYSTEM, Draft, Kind, Rules, State
from licensing_server.orders.reach import Reach, reach_of, reach_of_order
from licensing_server.orders.tables import Order
from licensing_server.problem import Conflict, Unprocessable, not_found
from licensing_server.web.lines import Told, silent

_YEAR_S = 366 * 86_400


def place(
    session: Session,
    draft: Draft,
    rules: Rules,
    *,
    actor: str,
    now: int,
    lapses_at: int | None = None,
    told: Told = silent,
) -> Order:
    """Place an order. It takes force now, or when its time comes, or once a second person confirms it.

    Raises:
        NotFound: ``device.unknown``, ``order.unknown``; Unprocessable: ``order.matches_nothing``,
            ``order.emergency``, ``order.effective``; Conflict: ``order.in_force`` or ``order.waiting`` where an order
            that is not over says the same, ``order.undone``, ``order.cannot_undo``.
    """
    restrictions.lock_for_ordering(session)
    _refuse_unfit(draft, now)
    scope, reach = _aim(session, draft, actor)
    second = not draft.emergency and needs_second(session, rules, draft.kind, reach, actor=actor, now=now)
    if draft.emergency:
        lapses_at = now + rules.emergency_s
    confirm_by = now + rules.confirm_s if second else None
    state = State.WAITING if second else State.SCHEDULED
    order = Order(
        id=new_id("order"),
        kind=str(draft.kind),
        scope=scope.to_json(),
        terms=draft.terms,
        reason_code=str(draft.reason.code),
        reason_text=draft.reason.text,
        actor=actor,
        placed_at=now,
        effective_at=now if draft.effective_at is None else draft.effective_at,
        emergency=draft.emergency,
        undoes=draft.undoes,
        devices=reach.devices,
        grants=reach.grants,
        state=str(state),
        confirm_by=confirm_by,
        lapses_at=lapses_at,
        confirmed_by=None,
        in_force_at=None,
        entry=None,
        targeted=0,
        undone_by=None,
    )
    session.add(order)
    session.flush()
    entry = _record(session, order)
    if second or draft.emergency:
        accounts.begin(session, order.id, first=actor, now=now)
    if not second:
        take_force(session, order, entry, rules.witness_s, actor=actor, now=now, told=told)
    return order


def order_of(session: Session, order_id: str) -> Order:
    """Return an order.

    Raises:
        NotFound: ``order.unknown``.
    """
    order = session.get(Order, order_id, populate_existing=True)
    if order is None:
        raise not_found("order", order_id)
    return order


def undone_by(session: Session, order_id: str) -> tuple[Order, Reach]:
    """Return the order that a reinstatement would undo, and how far that reaches.

    What nobody has confirmed yet reaches nobody that it would not let go by itself; what two people planned takes two
    to withdraw.

    Raises:
        NotFound: ``order.unknown``; Conflict: ``order.undone``, ``order.cannot_undo``.
    """
    undone = order_of(session, order_id)
    if undone.kind == Kind.REINSTATE and undone.state == State.IN_FORCE:
        raise Conflict("order.cannot_undo", "A reinstatement is undone by a new suspension or revocation.")
    if undone.state not in LIVE:
        raise Conflict("order.undone", "This order was undone already, or never took force.")
    stands = undone.state == State.IN_FORCE and undone.lapses_at is None
    if not stands and undone.confirmed_by is None:
        return undone, Reach(0, 0)
    reach = reach_of_order(session, order_id)
    # Before it takes force it has reached nobody: then as it was counted when it was placed.
    return undone, reach if reach.devices else Reach(undone.devices, undone.grants)


def _aim(session: Session, draft: Draft, actor: str) -> tuple[Scope, Reach]:
    if draft.undoes is not None:
        undone, reach = undone_by(session, draft.undoes)
        if actor != SYSTEM:
            # What lapses does so whoever else means to undo it later.
            _refuse_repetition(session, draft, undone.scope)
        return Scope.parse(undone.scope), reach
    scope = draft.scope or Scope()
    reach = refuse_empty(session, scope)
    _refuse_repetition(session, draft, scope.to_json())
    return scope, reach


def refuse_empty(session: Session, scope: Scope) -> Reach:
    """Return what a scope reaches.

    Raises:
        NotFound: ``device.unknown``; Unprocessable: ``order.matches_nothing``.
    """
    if scope.device is not None:
        devices.device_of(session, scope.device)
    reach = reach_of(session, scope)
    if not reach.devices:
        raise Unprocessable("order.matches_nothing", "No device, or no grant of one, matches this scope.")
    return reach


def _refuse_unfit(draft: Draft, now: int) -> None:
    if draft.emergency and (draft.kind != Kind.SUSPEND or draft.effective_at is not None):
        raise Unprocessable("order.emergency", "An emergency order suspends, and at once.")
    if draft.effective_at is not None and not now < draft.effective_at <= now + _YEAR_S:
        raise Unprocessable("order.effective", "An order takes force now or in the future, within a year.")


def _refuse_repetition(session: Session, draft: Draft, scope: JsonObject) -> None:
    same = [Order.kind == str(draft.kind), Order.state.in_(LIVE), Order.scope == scope]
    same += [Order.undoes == draft.undoes] if draft.terms is None else [Order.terms == draft.terms]
    row = session.execute(select(Order.id, Order.state).where(*same)).first()
    if row is None:
        return
    if row.state != State.IN_FORCE:
        raise Conflict("order.waiting", f"The order {row.id} says the same, and is not in force yet.", order=row.id)
    if draft.undoes is None:
        raise Conflict("order.in_force", f"The order {row.id} says the same already.", order=row.id)


def _record(session: Session, order: Order) -> int:
    data: JsonObject = {name: getattr(order, name) for name in ("kind", "scope", "undoes", "emergency", "terms")}
    data |= {"reason": order.reason_code, "effective": order.effective_at, "lapses": order.lapses_at}
    data |= {"devices": order.devices, "grants": order.grants, "confirm_by": order.confirm_by}
    sensitive = {"text": order.reason_text}
    queued = audit_log.record(
        session,
        "order.placed",
        time=order.placed_at,
        actor=order.actor,
        subject=order.id,
        data=data,
        sensitive=sensitive,
    )
    return queued.id
