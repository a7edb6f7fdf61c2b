"""What orders in force forbid or limit: whom they reach, and a memory that new versions obey.

An order holds every device that matched its scope when it took force, until it is lifted; a device that comes under
the scope later is held from its next version on. Whoever orders holds ``ORDERS`` alone, whoever issues beside others:
so each issue is wholly before or wholly after each order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import insert, literal, null, or_, select, update
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject
from licensing_server.database import lock_alone, lock_beside
from licensing_server.devices.tables import Device
from licensing_server.entitlements.scope import EVERYTHING, Indices, Pairs, Scope, facts_of
from licensing_server.entitlements.tables import DevicePlan, GrantedIndex, OrderTarget, Restriction

_LOCK: Final = "orders"


class Kind(StrEnum):
    """What an order does to a grant."""

    SUSPENDED = "suspended"
    REVOKED = "revoked"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class Held:
    """One capability (``*`` for all) of one device, and what an order in force does to it; ``terms`` are its limits."""

    order: str
    kind: Kind
    capability: str
    since: int
    terms: JsonObject | None


def lock_for_ordering(session: Session) -> None:
    """Let nobody issue or order until this transaction ends."""
    lock_alone(session, _LOCK)


def lock_for_issuing(session: Session) -> None:
    """Let nobody order until this transaction ends."""
    lock_beside(session, _LOCK)


def add_targets(session: Session, order: str, targets: Pairs) -> None:
    """Record whom an order reaches, from a selection of (device, capability)."""
    found = targets.subquery()
    # In the order of the key, so that a million rows are appended and not sorted in.
    rows = select(literal(order), found.c.device, found.c.capability, null()).order_by(found.c.device)
    session.execute(insert(OrderTarget).from_select(["order", "device", "capability", "known_at"], rows))


def targets_of(order: str) -> Pairs:
    """Select (device, capability) of what an order reaches."""
    return select(OrderTarget.device, OrderTarget.capability).where(OrderTarget.order == order)


def begin(session: Session, order: str, kind: Kind, scope: Scope, terms: JsonObject | None, now: int) -> None:
    """Put an order's restriction in force."""
    values = {"order": order, "kind": str(kind), "scope": scope.to_json(), "wide": scope.is_wide, "terms": terms}
    session.add(Restriction(**values, since=now, lifted_at=None))
    session.flush()


def end(session: Session, order: str, now: int) -> None:
    """Lift an order's restriction."""
    session.execute(update(Restriction).where(Restriction.order == order).values(lifted_at=now))


def ask_for_new_versions(session: Session, order: str) -> None:
    """Let every device that an order reaches get a new version when it next asks."""
    reached = select(OrderTarget.device).where(OrderTarget.order == order)
    due = update(DevicePlan).where(DevicePlan.device.in_(reached)).values(revision=DevicePlan.revision + 1)
    session.execute(due.execution_options(synchronize_session=False))


def indices_of_targets(order: str, now: int) -> Indices:
    """Select (uri, index) of every unexpired grant that an order reaches."""
    found = select(GrantedIndex.uri, GrantedIndex.index).join(OrderTarget, OrderTarget.device == GrantedIndex.device)
    meant = or_(OrderTarget.capability == EVERYTHING, OrderTarget.capability == GrantedIndex.capability)
    return found.where(OrderTarget.order == order, meant, GrantedIndex.expires > now)


def free_indices(order: str, now: int) -> Indices:
    """Select (uri, index) of every unexpired grant that an order reaches and no order in force forbids."""
    other = select(OrderTarget.order).join(Restriction, Restriction.order == OrderTarget.order).correlate(GrantedIndex)
    other = other.where(
        OrderTarget.device == GrantedIndex.device,
        OrderTarget.capability.in_([EVERYTHING, GrantedIndex.capability]),
        Restriction.lifted_at.is_(None),
        Restriction.kind != str(Kind.LIMITED),
    )
    return indices_of_targets(order, now).where(~other.exists())


def held(session: Session, device: Device, plan: Mapping[str, Any]) -> list[Held]:
    """Return what orders in force do to a device with this plan, the earliest first."""
    found = [*_reached(session, device.id), *(hold for hold in _coming_under(session, device, plan))]
    return sorted(found, key=lambda hold: (hold.since, hold.order, hold.capability))


def join(session: Session, device: Device, plan: Mapping[str, Any]) -> bool:
    """Record what the device has come under since, and tell whether that is anything.

    From now on it is reached like the others.
    """
    found = _coming_under(session, device, plan)
    for hold in found:
        row = OrderTarget(order=hold.order, device=device.id, capability=hold.capability, known_at=None)
        session.add(row)
    session.flush()
    return bool(found)


def forbidden(holds: Iterable[Held]) -> dict[str, Kind]:
    """Return the strongest prohibition for each capability (``*`` for all)."""
    found: dict[str, Kind] = {}
    for hold in holds:
        if hold.kind is not Kind.LIMITED and found.get(hold.capability) is not Kind.REVOKED:
            found[hold.capability] = hold.kind
    return found


def prohibition_of(prohibitions: Mapping[str, Kind], capability: str) -> Kind | None:
    """Return what is forbidden of one capability."""
    kinds = {prohibitions.get(capability), prohibitions.get(EVERYTHING)}
    return Kind.REVOKED if Kind.REVOKED in kinds else Kind.SUSPENDED if Kind.SUSPENDED in kinds else None


def _reached(session: Session, device: str) -> list[Held]:
    rows = (
        select(Restriction, OrderTarget.capability)
        .join(OrderTarget, OrderTarget.order == Restriction.order)
        .where(OrderTarget.device == device, Restriction.lifted_at.is_(None))
    )
    return [_hold(restriction, capability) for restriction, capability in session.execute(rows).all()]


def _coming_under(session: Session, device: Device, plan: Mapping[str, Any]) -> list[Held]:
    rows = select(Restriction).where(Restriction.wide.is_(True), Restriction.lifted_at.is_(None))
    wide = list(session.scalars(rows))
    if not wide:
        return []
    facts = facts_of(session, device)
    known = {(hold.order, hold.capability) for hold in _reached(session, device.id)}
    return [
        _hold(restriction, capability)
        for restriction, scope in ((row, Scope.parse(row.scope)) for row in wide)
        if scope.reaches(facts)
        for capability in scope.capabilities(plan)
        if (restriction.order, capability) not in known
    ]


def _hold(restriction: Restriction, capability: str) -> Held:
    return Held(restriction.order, Kind(restriction.kind), capability, restriction.since, restriction.terms)
