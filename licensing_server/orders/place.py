"""Placing an order: targets, bits, restriction and log entry in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.log.merkle import leaf_hash, root_hash
from licensing_server import audit_log, devices, entitlements
from licensing_server.database import changed_one, new_id
from licensing_server.entitlements import restrictions
from licensing_server.entitlements.restrictions import EVERYTHING
from licensing_server.entitlements.tables import DevicePlan, Restriction
from licensing_server.orders.tables import Order, OrderTarget
from licensing_server.problem import Conflict, Unprocessable, not_found


class Kind(StrEnum):
    """A suspension can be reinstated; a revocation ends the present grants for good; a quarantine is a suspension
    by the system of everything a device may do, which lapses unless a person confirms it.
    """

    SUSPEND = "suspend"
    REVOKE = "revoke"
    QUARANTINE = "quarantine"
    REINSTATE = "reinstate"


class ReasonCode(StrEnum):
    """Why, for statistics and for the operator; the text says the rest."""

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


@dataclass(frozen=True, slots=True)
class Scope:
    """What an order is about: one device and one capability of it, or all of them. Wider queries will stand here."""

    device: str
    capability: str | None = None

    def to_json(self) -> JsonObject:
        """Return what is stored and logged."""
        return {"device": self.device, "capability": self.capability}

    def targets(self, session: Session) -> list[tuple[str, str]]:
        """Return the (device, capability) pairs, their devices locked.

        Raises:
            NotFound: ``device.unknown``; Unprocessable: ``order.matches_nothing``.
        """
        devices.lock(session, self.device)
        if self.capability is None:
            return [(self.device, EVERYTHING)]
        plan = session.get(DevicePlan, self.device)
        if plan is None or self.capability not in plan.plan["grants"]:
            raise Unprocessable("order.matches_nothing", f"This device has no grant of {self.capability}.")
        return [(self.device, self.capability)]


@dataclass(frozen=True, slots=True)
class Reason:
    """``code`` for machines, ``text`` for the operator and whoever reviews the order."""

    code: ReasonCode
    text: str


_RESTRICTS = {
    Kind.SUSPEND: restrictions.Kind.SUSPENDED,
    Kind.QUARANTINE: restrictions.Kind.SUSPENDED,
    Kind.REVOKE: restrictions.Kind.REVOKED,
}


def place(
    session: Session, kind: Kind, scope: Scope, reason: Reason, *, actor: str, now: int, lapses_at: int | None = None
) -> Order:
    """Suspend, revoke or quarantine.

    Raises:
        NotFound; Unprocessable ``order.matches_nothing``; Conflict ``order.in_force`` where the same holds already.
    """
    targets = scope.targets(session)
    for device, capability in targets:
        _refuse_repetition(session, device, capability, _RESTRICTS[kind])
    order = _record(session, kind, scope, reason, targets, actor=actor, now=now, lapses_at=lapses_at)
    entitlements.restrict(session, targets, _RESTRICTS[kind], order=order.id, entry=order.entry, now=now)
    return order


def reinstate(session: Session, undoes: str, reason: Reason, *, actor: str, now: int) -> Order:
    """Undo an order by another one.

    Raises:
        NotFound: ``order.unknown``; Conflict: ``order.undone``, ``order.cannot_undo``.
    """
    undone = order_of(session, undoes)
    if undone.kind == Kind.REINSTATE:
        raise Conflict("order.cannot_undo", "A reinstatement is undone by a new suspension or revocation.")
    scope = Scope(**undone.scope)
    devices.lock(session, scope.device)
    rows = select(OrderTarget.device, OrderTarget.capability).where(OrderTarget.order == undoes)
    targets = [(row.device, row.capability) for row in session.execute(rows)]
    order = _record(session, Kind.REINSTATE, scope, reason, targets, actor=actor, now=now, undoes=undoes)
    in_force = (Order.id == undoes, Order.undone_by.is_(None))
    if not changed_one(session.execute(update(Order).where(*in_force).values(undone_by=order.id))):
        raise Conflict("order.undone", "This order was undone already.")
    entitlements.lift(session, undoes, entry=order.entry, now=now)
    return order


def order_of(session: Session, order_id: str) -> Order:
    """Return an order.

    Raises:
        NotFound: ``order.unknown``.
    """
    order = session.get(Order, order_id)
    if order is None:
        raise not_found("order", order_id)
    return order


def _refuse_repetition(session: Session, device: str, capability: str, kind: restrictions.Kind) -> None:
    same = select(Restriction.order).where(
        Restriction.device == device,
        Restriction.capability == capability,
        Restriction.kind == str(kind),
        Restriction.lifted_at.is_(None),
    )
    if (order := session.scalar(same)) is not None:
        raise Conflict("order.in_force", f"The order {order} says the same already.", order=order)


def _record(
    session: Session,
    kind: Kind,
    scope: Scope,
    reason: Reason,
    targets: list[tuple[str, str]],
    *,
    actor: str,
    now: int,
    lapses_at: int | None = None,
    undoes: str | None = None,
) -> Order:
    order_id = new_id("order")
    data: JsonObject = {"kind": str(kind), "scope": scope.to_json(), "reason": str(reason.code), "undoes": undoes}
    data |= {"lapses": lapses_at} | _indices(session, targets, now)
    queued = audit_log.record(
        session,
        "order.placed",
        time=now,
        actor=actor,
        subject=order_id,
        data=data,
        sensitive={"text": reason.text},
    )
    order = Order(
        id=order_id,
        kind=str(kind),
        scope=scope.to_json(),
        reason_code=str(reason.code),
        reason_text=reason.text,
        actor=actor,
        placed_at=now,
        undoes=undoes,
        entry=queued.id,
        targeted=len(targets),
        lapses_at=lapses_at,
        confirmed_by=None,
        undone_by=None,
    )
    session.add(order)
    session.flush()
    session.add_all(
        OrderTarget(order=order_id, device=device, capability=capability, confirmed_at=None)
        for device, capability in targets
    )
    session.flush()
    return order


def _indices(session: Session, targets: list[tuple[str, str]], now: int) -> JsonObject:
    """Return the count of, and the RFC 6962 root over, the sorted ``uri#idx`` that the order changes (protocol §8)."""
    references = [
        reference
        for device, capability in targets
        for reference in restrictions.live_indices(session, device, capability, now)
    ]
    names = sorted(f"{reference.uri}#{reference.index}".encode() for reference in references)
    return {"count": len(names), "root": to_base64url(root_hash([leaf_hash(name) for name in names]))}
