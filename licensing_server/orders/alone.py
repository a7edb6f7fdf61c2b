"""What one person may order without a second: so many devices and grants in a day, however many orders they come in."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from licensing_server.orders.kinds import SYSTEM, Kind, Rules, State
from licensing_server.orders.reach import Reach
from licensing_server.orders.tables import Order

_DAY_S: Final = 86_400


def needs_second(
    session: Session, rules: Rules, kind: Kind, reach: Reach, *, actor: str, now: int, order: str | None = None
) -> bool:
    """Tell whether a second person must confirm what ``actor`` orders now.

    Counted together with it is whatever else of the same kind they ordered alone in the last day; ``order`` is the
    order itself where it is among those already. An order that reaches nobody needs nobody.
    """
    if actor == SYSTEM or not reach.devices:
        return False
    before = _ordered_alone(session, kind, actor, now - _DAY_S, order)
    return reach.devices + before.devices > rules.devices or reach.grants + before.grants > rules.grants


def _ordered_alone(session: Session, kind: Kind, actor: str, since: int, besides: str | None) -> Reach:
    # As it was counted when it was placed, or more where more devices matched when it took force.
    devices = case((Order.targeted > Order.devices, Order.targeted), else_=Order.devices)
    totals = select(func.coalesce(func.sum(devices), 0), func.coalesce(func.sum(Order.grants), 0))
    alone = [Order.kind == str(kind), Order.actor == actor, Order.confirmed_by.is_(None), _counts_since(since)]
    if besides is not None:
        alone.append(Order.id != besides)
    found = session.execute(totals.where(*alone)).one()
    return Reach(int(found[0]), int(found[1]))


def _counts_since(since: int) -> ColumnElement[bool]:
    """Tell of an order whether it took force lately, or will without a second; an emergency lapses without one."""
    return or_(Order.in_force_at > since, Order.state == str(State.SCHEDULED)) & Order.emergency.is_(False)
