"""How far an order has come: who knows it by their own evidence, who must have lost it by themselves, who is silent.

Overdue is presumed, never proven: a sound device that got neither a list nor a receipt for so long denies by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from licensing_server import status_lists
from licensing_server.devices.tables import Device
from licensing_server.entitlements import EVERYTHING
from licensing_server.entitlements.tables import OrderTarget, PlannedGrant
from licensing_server.orders.kinds import Kind
from licensing_server.orders.tables import Order

_PERCENTILES: Final = {"p50": 0.50, "p90": 0.90, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True, slots=True)
class Propagation:
    """Devices by what is known of them; ``after_s`` are seconds from taking force until a device's evidence came."""

    targeted: int
    confirmed: int
    overdue: int
    unreachable: int
    waiting: int
    first_confirmed_at: int | None
    last_confirmed_at: int | None
    after_s: dict[str, int]


def propagation_of(session: Session, order: Order, unheard_s: int, now: int) -> Propagation:
    """Count the devices that an order reached. Silent for ``unheard_s`` seconds is unreachable."""
    if order.in_force_at is None or order.entry is None:
        return Propagation(0, 0, 0, 0, 0, None, None, {})
    known = _known(session, order.id)
    confirmed = sum(count for _, count in known)
    overdue, unreachable, waiting = _unknown(session, order, unheard_s, now)
    instants = [instant for instant, _ in known]
    return Propagation(
        targeted=confirmed + overdue + unreachable + waiting,
        confirmed=confirmed,
        overdue=overdue,
        unreachable=unreachable,
        waiting=waiting,
        first_confirmed_at=min(instants, default=None),
        last_confirmed_at=max(instants, default=None),
        after_s=_percentiles([(instant - order.in_force_at, count) for instant, count in known]),
    )


def _known(session: Session, order: str) -> list[tuple[int, int]]:
    """Return, by second, how many devices showed that they know all of what the order does to them."""
    whole = func.count() == func.count(OrderTarget.known_at)
    device = select(func.max(OrderTarget.known_at).label("at")).where(OrderTarget.order == order)
    devices = device.group_by(OrderTarget.device).having(whole).subquery()
    counted = select(devices.c.at, func.count()).group_by(devices.c.at).order_by(devices.c.at)
    return [(instant, count) for instant, count in session.execute(counted)]


def _unknown(session: Session, order: Order, unheard_s: int, now: int) -> tuple[int, int, int]:
    meant = or_(OrderTarget.capability == EVERYTHING, OrderTarget.capability == PlannedGrant.capability)
    device = (
        select(
            OrderTarget.device,
            func.max(PlannedGrant.max_offline).label("max_offline"),
            func.max(PlannedGrant.max_silent).label("max_silent"),
        )
        .join(PlannedGrant, and_(PlannedGrant.device == OrderTarget.device, meant), isouter=True)
        .where(OrderTarget.order == order.id, OrderTarget.known_at.is_(None))
        .group_by(OrderTarget.device)
        .subquery()
    )
    late = _is_overdue(session, order, device.c.max_offline, device.c.max_silent, now)
    silent = and_(~late, Device.last_seen < now - unheard_s)
    counted = select(
        func.coalesce(func.sum(case((late, 1), else_=0)), 0),
        func.coalesce(func.sum(case((silent, 1), else_=0)), 0),
        func.count(),
    )
    overdue, unreachable, total = session.execute(counted.join_from(device, Device, Device.id == device.c.device)).one()
    return int(overdue), int(unreachable), total - int(overdue) - int(unreachable)


def _is_overdue(
    session: Session, order: Order, max_offline: ColumnElement[int], max_silent: ColumnElement[int], now: int
) -> ColumnElement[bool]:
    if order.kind == Kind.REINSTATE:
        return Device.last_seen < 0
    silent = Device.last_seen + max_silent <= now
    listed = list(status_lists.listed_in(session, order.entry or 0).values())
    if None in listed:
        return func.coalesce(silent, False)
    # A list without the order is older than the first one with it.
    since = max((sequence for sequence in listed if sequence is not None), default=order.in_force_at or 0)
    return func.coalesce(or_(silent, since + max_offline <= now), False)


def _percentiles(counts: list[tuple[int, int]]) -> dict[str, int]:
    total = sum(count for _, count in counts)
    found: dict[str, int] = {}
    passed = 0
    for seconds, count in counts:
        passed += count
        for name, share in _PERCENTILES.items():
            if name not in found and passed >= share * total:
                found[name] = seconds
    return found
