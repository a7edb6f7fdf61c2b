"""What becomes of orders: a second person confirms, time comes or runs out, quarantines begin anew."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from licensing_server import accounts, audit_log, witnessing
from licensing_server.config import Settings
from licensing_server.database import table_of
from licensing_server.entitlements import Scope, restrictions
from licensing_server.entitlements.tables import OrderTarget
from licensing_server.jobs import Job
from licensing_server.orders.alone import needs_second
from licensing_server.orders.force import put_in_force, take_force
from licensing_server.orders.kinds import SYSTEM, Draft, Kind, Reason, ReasonCode, Rules, State
from licensing_server.orders.place import order_of, place
from licensing_server.orders.reach import Reach, reach_of
from licensing_server.orders.tables import Order
from licensing_server.problem import Conflict, Forbidden
from licensing_server.web import Act, Role
from licensing_server.web.lines import Told, silent

_ORDER = table_of(Order)
# Written once, because to compose a statement costs more than to run it.
_WAITING = select(
    func.min(
        case(
            (_ORDER.c.state == State.WAITING, _ORDER.c.confirm_by),
            (_ORDER.c.state == State.IN_FORCE, _ORDER.c.lapses_at),
            else_=_ORDER.c.effective_at,
        )
    )
).where(
    or_(
        _ORDER.c.state.in_([State.WAITING, State.SCHEDULED]),
        and_(_ORDER.c.state == State.IN_FORCE, _ORDER.c.lapses_at.is_not(None)),
    )
)
_NOBODY = Rules(devices=0, grants=0, confirm_s=0, emergency_s=0)


def confirm(act: Act, order_id: str, quiet_s: int, witness_s: int | None, told: Told = silent) -> Order:
    """Confirm an order that waits for a second person, or an emergency order or quarantine that would lapse.

    A quarantine was the system's, so one person's confirmation is enough, and compliance may give it.

    Raises:
        NotFound; Conflict ``order.not_waiting``, ``order.undone``; Forbidden ``role.missing``; SecondRefused.
    """
    restrictions.lock_for_ordering(act.session)
    order = order_of(act.session, order_id)
    if not _waits(order, act.now):
        raise Conflict("order.not_waiting", "This order does not wait for anybody's confirmation, or not any more.")
    if order.actor != SYSTEM:
        if Role.APPROVER not in act.roles:
            raise Forbidden("role.missing", "A second person with the role approver confirms; ask one.")
        accounts.decide(act, order.id, roles=frozenset({Role.APPROVER}), quiet_s=quiet_s, apart=True)
    entry = audit_log.record(act.session, "order.confirmed", time=act.now, actor=act.actor, subject=order.id)
    order.confirmed_by, order.lapses_at = act.actor, None
    if order.state == State.WAITING:
        order.state = str(State.SCHEDULED)
        take_force(act.session, order, entry.id, witness_s, actor=act.actor, now=act.now, told=told)
    act.session.flush()
    return order


def prolong_quarantine(session: Session, device: str, lapses_at: int, now: int) -> None:
    """Let a device's quarantine that waits for confirmation lapse later, because what began it happened again."""
    targeted = select(OrderTarget.order).where(OrderTarget.device == device)
    waits = (Order.id.in_(targeted), Order.kind == Kind.QUARANTINE, Order.state == State.IN_FORCE)
    for order in session.scalars(select(Order).where(*waits, Order.lapses_at < lapses_at)):
        order.lapses_at = lapses_at
        data = {"lapses": lapses_at}
        audit_log.record(session, "order.prolonged", time=now, actor=SYSTEM, subject=order.id, data=data)
    session.flush()


def follow_time(session: Session, rules: Rules, now: int) -> int | None:
    """Do what is due of one order: put it in force, let it expire, let it lapse; return when the next is.

    One order at a time, because one may reach a million grants.
    """
    lapsing = accounts.waiting(session) is None
    if (due := _due(session, now, lapsing)) is not None:
        restrictions.lock_for_ordering(session)
        # Looked at again behind the lock: a person may have come first.
        order = order_of(session, due)
        if order.state == State.WAITING and (order.confirm_by or 0) <= now:
            _close(session, order, State.EXPIRED, now)
        elif order.state == State.SCHEDULED and _is_time(session, order, now):
            _take_force(session, order, rules, now)
        elif order.state == State.IN_FORCE and order.lapses_at is not None and order.lapses_at <= now:
            _lapse(session, order, now)
    return _next(session, now, lapsing)


def look(session: Session, now: int) -> int | None:
    """Return when time may change an order: at once where one waits for witnesses, ``None`` where none waits."""
    due = session.connection().execute(_WAITING).scalar_one()
    return None if due is None else max(now, due)


def job(settings: Settings) -> Job:
    """Return the job that follows the time of orders."""
    return Job("orders", lambda session, now: follow_time(session, Rules.of(settings), now), look)


def _waits(order: Order, now: int) -> bool:
    if order.state == State.WAITING:
        return order.confirm_by is not None and now < order.confirm_by
    return order.state == State.IN_FORCE and order.lapses_at is not None and now < order.lapses_at


def _is_time(session: Session, order: Order, now: int) -> bool:
    """Tell whether the time of an order has come, and the witnesses that it waits for have seen it or had theirs."""
    if order.effective_at > now:
        return False
    if order.witness_entry is None or order.witness_until is None:
        return True
    return order.witness_until <= now or witnessing.is_witnessed(session, order.witness_entry)


def _latest() -> ColumnElement[int]:
    """When a scheduled order takes force at the latest."""
    return func.coalesce(Order.witness_until, Order.effective_at)


def _due(session: Session, now: int, lapsing: bool) -> str | None:
    due = [
        and_(Order.state == State.WAITING, Order.confirm_by <= now),
        and_(Order.state == State.SCHEDULED, _latest() <= now),
        and_(
            Order.state == State.SCHEDULED,
            Order.effective_at <= now,
            witnessing.is_seen(session, Order.witness_entry),
        ),
    ]
    if lapsing:
        # Not while people have yet to accept what a restore lost: the confirmation may be part of it.
        due.append(and_(Order.state == State.IN_FORCE, Order.lapses_at <= now))
    return session.scalar(select(Order.id).where(or_(*due)).order_by(Order.placed_at, Order.id).limit(1))


def _next(session: Session, now: int, lapsing: bool) -> int | None:
    waits = [
        select(func.min(Order.confirm_by)).where(Order.state == State.WAITING),
        select(func.min(_latest())).where(Order.state == State.SCHEDULED),
        # Then what the witnesses have seen meanwhile takes force.
        select(func.min(Order.effective_at)).where(Order.state == State.SCHEDULED, Order.effective_at > now),
    ]
    if lapsing:
        waits.append(select(func.min(Order.lapses_at)).where(Order.state == State.IN_FORCE))
    found = [session.scalar(instant) for instant in waits]
    return min((max(now, instant) for instant in found if instant is not None), default=None)


def _take_force(session: Session, order: Order, rules: Rules, now: int) -> None:
    if order.undoes is None and order.confirmed_by is None:
        reach = reach_of(session, Scope.parse(order.scope))
        if needs_second(session, rules, Kind(order.kind), reach, actor=order.actor, now=now, order=order.id):
            # More devices match than when it was placed.
            _await_second(session, order, reach, now + rules.confirm_s, now)
            return
    if order.witness_entry is not None and not witnessing.is_witnessed(session, order.witness_entry):
        audit_log.record(session, "order.unwitnessed", time=now, actor=SYSTEM, subject=order.id)
    try:
        with session.begin_nested():
            put_in_force(session, order, SYSTEM, now)
    except Conflict:
        _close(session, order_of(session, order.id), State.VOID, now)


def _await_second(session: Session, order: Order, reach: Reach, confirm_by: int, now: int) -> None:
    order.state, order.confirm_by = str(State.WAITING), confirm_by
    order.witness_entry = order.witness_until = None
    accounts.begin(session, order.id, first=order.actor, now=now)
    data = {"devices": reach.devices, "grants": reach.grants, "confirm_by": confirm_by}
    audit_log.record(session, "order.waiting", time=now, actor=SYSTEM, subject=order.id, data=data)
    session.flush()


def _close(session: Session, order: Order, state: State, now: int) -> None:
    order.state = str(state)
    audit_log.record(session, f"order.{state}", time=now, actor=SYSTEM, subject=order.id)
    session.flush()


def _lapse(session: Session, order: Order, now: int) -> None:
    reason = Reason(ReasonCode.LAPSED, "Nobody confirmed the order in time.")
    place(session, Draft(Kind.REINSTATE, reason, undoes=order.id), _NOBODY, actor=SYSTEM, now=now)
