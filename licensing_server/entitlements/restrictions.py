"""What orders in force forbid: status bits of everything live, and a memory that new versions obey."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from licensing_protocol.grant import StatusReference
from licensing_protocol.status_list import Status
from licensing_server import status_lists
from licensing_server.entitlements.tables import DevicePlan, GrantedIndex, Restriction

EVERYTHING: Final = "*"


class Kind(StrEnum):
    """How much is forbidden."""

    SUSPENDED = "suspended"
    REVOKED = "revoked"


_STATUS = {Kind.SUSPENDED: Status.SUSPENDED, Kind.REVOKED: Status.INVALID}


def live_indices(session: Session, device: str, capability: str, now: int) -> list[StatusReference]:
    """Return the indices of every unexpired grant of a capability (``*``: of all) of a device."""
    rows = select(GrantedIndex).where(GrantedIndex.device == device, GrantedIndex.expires > now)
    if capability != EVERYTHING:
        rows = rows.where(GrantedIndex.capability == capability)
    return [StatusReference(row.uri, row.index) for row in session.scalars(rows)]


def restrict(
    session: Session, targets: Iterable[tuple[str, str]], kind: Kind, *, order: str, entry: int, now: int
) -> None:
    """Forbid each (device, capability) for an order: bits and memory change in this transaction."""
    references: list[StatusReference] = []
    for device, capability in targets:
        values = {"order": order, "device": device, "capability": capability, "kind": str(kind), "since": now}
        session.add(Restriction(**values, lifted_at=None))
        references += live_indices(session, device, capability, now)
    session.flush()
    status_lists.set_status(session, references, _STATUS[kind], entry)


def lift(session: Session, order: str, *, entry: int, now: int) -> None:
    """End what an order forbids. A revoked grant comes back as a new version, when the device next asks."""
    ended = list(
        session.scalars(select(Restriction).where(Restriction.order == order, Restriction.lifted_at.is_(None)))
    )
    for restriction in ended:
        restriction.lifted_at = now
    session.flush()
    for restriction in ended:
        if restriction.kind == Kind.REVOKED:
            _ask_for_new_version(session, restriction.device)
        else:
            _release(session, restriction.device, restriction.capability, entry, now)


def in_force(session: Session, device: str) -> dict[str, Kind]:
    """Return the strongest restriction for each capability (``*`` for all) of a device."""
    rows = select(Restriction.capability, Restriction.kind).where(
        Restriction.device == device, Restriction.lifted_at.is_(None)
    )
    found: dict[str, Kind] = {}
    for capability, kind in session.execute(rows).all():
        if found.get(capability) is not Kind.REVOKED:
            found[capability] = Kind(kind)
    return found


def orders_in_force(session: Session, device: str) -> list[str]:
    """Return the orders that forbid something of a device."""
    rows = select(Restriction.order).where(Restriction.device == device, Restriction.lifted_at.is_(None))
    return list(session.scalars(rows.distinct()))


def restriction_of(restrictions: dict[str, Kind], capability: str) -> Kind | None:
    """Return what is forbidden of one capability."""
    kinds = {restrictions.get(capability), restrictions.get(EVERYTHING)}
    return Kind.REVOKED if Kind.REVOKED in kinds else Kind.SUSPENDED if Kind.SUSPENDED in kinds else None


def _release(session: Session, device: str, capability: str, entry: int, now: int) -> None:
    left = in_force(session, device)
    where: list[ColumnElement[bool]] = [GrantedIndex.device == device, GrantedIndex.expires > now]
    if capability != EVERYTHING:
        where.append(GrantedIndex.capability == capability)
    free = [
        StatusReference(row.uri, row.index)
        for row in session.scalars(select(GrantedIndex).where(*where))
        if restriction_of(left, row.capability) is None
    ]
    status_lists.set_status(session, free, Status.VALID, entry)


def _ask_for_new_version(session: Session, device: str) -> None:
    due = update(DevicePlan).where(DevicePlan.device == device)
    session.execute(due.values(revision=DevicePlan.revision + 1))
