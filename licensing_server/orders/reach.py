"""How far an order reaches: counted beforehand, for whoever orders and whoever confirms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from licensing_server import catalogue
from licensing_server.devices.tables import Device
from licensing_server.diligence.tables import Party
from licensing_server.entitlements import EVERYTHING, Scope
from licensing_server.entitlements.scope import Pairs
from licensing_server.entitlements.tables import OrderTarget, PlannedGrant

_MOST_NAMES = 300


@dataclass(frozen=True, slots=True)
class Reach:
    """How many devices, and how many of their grants."""

    devices: int
    grants: int


@dataclass(frozen=True, slots=True)
class Extent:
    """A reach in full: devices by country of destination, grants by capability.

    ``safety`` names the functions of the products reached that stay on whatever is ordered.
    """

    reach: Reach
    countries: dict[str, int]
    capabilities: dict[str, int]
    safety: list[str]


def reach_of(session: Session, scope: Scope) -> Reach:
    """Count what a scope matches now."""
    return Reach(_count(session, scope.devices()), _count(session, scope.grants()))


def reach_of_order(session: Session, order: str) -> Reach:
    """Count what an order in force reaches."""
    return Reach(count_targets(session, order), _count(session, _grants_of_order(order)))


def extent_of(session: Session, scope: Scope) -> Extent:
    """Describe what a scope matches now."""
    return _extent(session, reach_of(session, scope), scope.devices(), scope.grants())


def extent_of_order(session: Session, order: str) -> Extent:
    """Describe what an order in force reaches."""
    devices = select(OrderTarget.device.label("id")).where(OrderTarget.order == order).distinct()
    return _extent(session, reach_of_order(session, order), devices, _grants_of_order(order))


def count_targets(session: Session, order: str) -> int:
    """Count the devices that an order in force reaches."""
    return _count(session, select(OrderTarget.device).where(OrderTarget.order == order).distinct())


def releases_among(session: Session, devices: Select[str]) -> list[str]:
    """Return the identities of the manifests that some devices run."""
    found = select(Device.manifest).where(Device.id.in_(devices)).distinct().order_by(Device.manifest)
    return list(session.scalars(found.limit(_MOST_NAMES)))


def _extent(session: Session, reach: Reach, devices: Select[str], grants: Pairs) -> Extent:
    by_country = select(Party.country, func.count()).join(Device, Device.end_user == Party.id)
    by_country = by_country.where(Device.id.in_(devices)).group_by(Party.country).order_by(Party.country)
    granted = grants.subquery()
    by_capability = select(granted.c.capability, func.count()).group_by(granted.c.capability)
    safety: set[str] = set()
    for manifest in releases_among(session, devices):
        safety |= catalogue.release_of(session, manifest).safety
    return Extent(reach, _counts(session, by_country), _counts(session, by_capability), sorted(safety))


def _grants_of_order(order: str) -> Pairs:
    meant = (OrderTarget.capability == PlannedGrant.capability) | (OrderTarget.capability == EVERYTHING)
    found = select(PlannedGrant.device, PlannedGrant.capability).join(
        OrderTarget, OrderTarget.device == PlannedGrant.device
    )
    return found.where(OrderTarget.order == order, meant)


def _count(session: Session, rows: Select[*tuple[Any, ...]]) -> int:
    return session.scalar(select(func.count()).select_from(rows.subquery())) or 0


def _counts(session: Session, rows: Select[str, int]) -> dict[str, int]:
    return dict(session.execute(rows.limit(_MOST_NAMES)).all())
