"""What devices know of orders by their own evidence, and what their operators are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from licensing_protocol.evidence import Evidence
from licensing_server import status_lists
from licensing_server.entitlements import EVERYTHING
from licensing_server.entitlements.tables import GrantedIndex, OrderTarget, SignedEntitlement
from licensing_server.orders.kinds import Kind, State
from licensing_server.orders.tables import Appeal, Order

_MOST_NOTICES = 20
_VERBS = {Kind.REVOKE: "was revoked", Kind.LIMIT: "has new limits"}


def confirm(session: Session, evidence: Evidence, now: int) -> None:
    """Mark the orders that a device's evidence shows it to know.

    It holds a version that was signed after the order took force, or, for each index that the order changed for it, a
    list that carries the change. Where an order changed no index of the device, no list can show anything.
    """
    waiting = (
        select(OrderTarget.order, OrderTarget.capability, Order.entry, Order.in_force_at)
        .join(Order, Order.id == OrderTarget.order)
        .where(OrderTarget.device == evidence.device, OrderTarget.known_at.is_(None), Order.entry.is_not(None))
    )
    rows = session.execute(waiting).all()
    if not rows or evidence.entitlement is None:
        return
    held = session.get(SignedEntitlement, evidence.entitlement[0])
    if held is None or held.device != evidence.device:
        return
    for row in rows:
        if held.entry > row.entry or _is_listed(session, held.jti, row, evidence.status):
            known = (OrderTarget.order == row.order, OrderTarget.device == evidence.device)
            changed = update(OrderTarget).where(*known, OrderTarget.capability == row.capability)
            session.execute(changed.values(known_at=now).execution_options(synchronize_session=False))


def notices(session: Session, device: str, appeal: str) -> tuple[str, ...]:
    """Return, for the device's operator, what is held back, why, and where to appeal."""
    rows = (
        select(Order, OrderTarget.capability)
        .join(OrderTarget, OrderTarget.order == Order.id)
        .where(OrderTarget.device == device, Order.kind != Kind.REINSTATE, Order.state == State.IN_FORCE)
        .order_by(Order.in_force_at.desc(), Order.id)
        .limit(_MOST_NOTICES)
    )
    return tuple(_notice(session, order, capability, appeal) for order, capability in session.execute(rows).all())


def _is_listed(session: Session, held: str, row: Any, status: Mapping[str, int]) -> bool:
    changed = select(GrantedIndex.uri).where(GrantedIndex.entitlement == held, GrantedIndex.expires > row.in_force_at)
    if row.capability != EVERYTHING:
        changed = changed.where(GrantedIndex.capability == row.capability)
    uris = set(session.scalars(changed))
    listed = status_lists.listed_in(session, row.entry)
    sequences = {uri: listed.get(uri) for uri in uris}
    return bool(uris) and all(
        sequence is not None and status.get(uri, 0) >= sequence for uri, sequence in sequences.items()
    )


def _notice(session: Session, order: Order, capability: str, appeal: str) -> str:
    what = "Every capability" if capability == EVERYTHING else capability
    verb = _VERBS.get(Kind(order.kind), "is suspended")
    text = order.reason_text.rstrip(".")
    answered = select(Appeal.outcome, Appeal.answer).where(Appeal.order == order.id, Appeal.answer.is_not(None))
    answer = session.execute(answered.order_by(Appeal.answered_at.desc()).limit(1)).first()
    told = "" if answer is None else f" An appeal was {answer.outcome}: {answer.answer.rstrip('.')}."
    return f"{what} {verb} by order {order.id}: {text}. To appeal: {appeal}.{told}"
