"""What becomes of orders: devices confirm them by what they report, quarantines lapse, operators are told."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from licensing_protocol.evidence import Evidence
from licensing_server import accounts, audit_log, status_lists
from licensing_server.database import changed_one
from licensing_server.jobs import Job
from licensing_server.orders.place import Kind, Reason, ReasonCode, order_of, reinstate
from licensing_server.orders.tables import Order, OrderTarget
from licensing_server.problem import Conflict
from licensing_server.web import Act

_SYSTEM = "system"
_MOST_NOTICES = 20


def confirm(session: Session, evidence: Evidence, now: int) -> None:
    """Mark the orders that a device's evidence shows it to know: it holds a list that carries them."""
    waiting = select(OrderTarget).where(OrderTarget.device == evidence.device, OrderTarget.confirmed_at.is_(None))
    for target in session.scalars(waiting):
        entry = order_of(session, target.order).entry
        listed = status_lists.listed_in(session, entry)
        if all(sequence is not None and evidence.status.get(uri, 0) >= sequence for uri, sequence in listed.items()):
            target.confirmed_at = now
    session.flush()


def notices(session: Session, device: str, appeal: str) -> tuple[str, ...]:
    """Return, for the device's operator, what is held back, why, and where to appeal."""
    rows = (
        select(Order, OrderTarget.capability)
        .join(OrderTarget, OrderTarget.order == Order.id)
        .where(OrderTarget.device == device, Order.kind != Kind.REINSTATE, Order.undone_by.is_(None))
        .order_by(Order.placed_at.desc())
        .limit(_MOST_NOTICES)
    )
    return tuple(_notice(order, capability, appeal) for order, capability in session.execute(rows).all())


def confirm_quarantine(act: Act, order_id: str) -> Order:
    """Let a quarantine stand until it is undone.

    Raises:
        NotFound; Conflict ``order.not_waiting``.
    """
    order_of(act.session, order_id)
    waits = (Order.id == order_id, Order.lapses_at.is_not(None), Order.undone_by.is_(None))
    values = {"lapses_at": None, "confirmed_by": act.actor}
    if not changed_one(act.session.execute(update(Order).where(*waits).values(values))):
        raise Conflict("order.not_waiting", "This order does not wait for anybody's confirmation.")
    audit_log.record(act.session, "order.confirmed", time=act.now, actor=act.actor, subject=order_id)
    return act.session.get_one(Order, order_id, populate_existing=True)


def prolong_quarantine(session: Session, device: str, lapses_at: int, now: int) -> None:
    """Let a device's quarantine that waits for confirmation lapse later, because what began it happened again."""
    targeted = select(OrderTarget.order).where(OrderTarget.device == device)
    waits = (
        Order.id.in_(targeted),
        Order.kind == Kind.QUARANTINE,
        Order.undone_by.is_(None),
        Order.lapses_at < lapses_at,
    )
    for order in session.scalars(select(Order).where(*waits)):
        order.lapses_at = lapses_at
        data = {"lapses": lapses_at}
        audit_log.record(session, "order.prolonged", time=now, actor=_SYSTEM, subject=order.id, data=data)
    session.flush()


def lapse(session: Session, now: int) -> int | None:
    """Reinstate what a quarantine held where nobody confirmed it in time; a job's step.

    Not while people have yet to accept what a restore lost: the confirmation may be part of it.
    """
    if accounts.waiting(session) is not None:
        return None
    waiting = select(Order.id, Order.lapses_at).where(Order.lapses_at.is_not(None), Order.undone_by.is_(None))
    due = []
    for order_id, lapses_at in session.execute(waiting).all():
        if lapses_at is not None and lapses_at > now:
            due.append(lapses_at)
        else:
            _lapse(session, order_id, now)
    return min(due, default=None)


def _lapse(session: Session, order_id: str, now: int) -> None:
    # Conditional, for a person may confirm or undo it in this very moment: then that stands.
    waits = (Order.id == order_id, Order.lapses_at <= now, Order.undone_by.is_(None))
    if changed_one(session.execute(update(Order).where(*waits).values(lapses_at=None))):
        reason = Reason(ReasonCode.LAPSED, "Nobody confirmed the quarantine in time.")
        reinstate(session, order_id, reason, actor=_SYSTEM, now=now)


JOBS = (Job("quarantines", lapse),)


def _notice(order: Order, capability: str, appeal: str) -> str:
    what = "Every capability" if capability == "*" else capability
    verb = "was revoked" if order.kind == Kind.REVOKE else "is suspended"
    text = order.reason_text.rstrip(".")
    return f"{what} {verb} by order {order.id}: {text}. To appeal: {appeal}."
