"""The scope of an order: a query over devices and their grants, in SQL for many and in Python for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Select, and_, exists, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from licensing_protocol.canonical import JsonObject
from licensing_server.catalogue.tables import Release
from licensing_server.devices.tables import Device, DeviceTag
from licensing_server.diligence.tables import Party
from licensing_server.entitlements.tables import GrantedIndex, PlannedGrant, PlannedProviso

EVERYTHING: Final = "*"
_OF_GRANTS: Final = frozenset({"capability", "proviso"})
Pairs: TypeAlias = Select[str, str]
"""Of (device, capability)."""
Indices: TypeAlias = Select[str, int]
"""Of (uri, index)."""
_Of: TypeAlias = type[PlannedGrant] | type[GrantedIndex]


@dataclass(frozen=True, slots=True)
class Facts:
    """What of one device a scope asks about."""

    device: str
    end_user: str
    country: str
    product: str
    release: str
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """All members that are given must match. ``country`` is the destination of the registered end-user.

    ``capability`` and ``proviso`` say which grants of the devices are meant; without them all are.
    """

    device: str | None = None
    end_user: str | None = None
    country: str | None = None
    product: str | None = None
    release: str | None = None
    tag: str | None = None
    capability: str | None = None
    proviso: str | None = None
    everywhere: bool = False

    @classmethod
    def parse(cls, members: JsonObject) -> Scope:
        """Read what :meth:`to_json` wrote."""
        return cls(**members)

    def to_json(self) -> JsonObject:
        """Return the members that are given: what is stored and logged."""
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def is_wide(self) -> bool:
        """Whether devices, or other grants of one device, can come under it later."""
        return self.device is None or self.proviso is not None

    @property
    def names_grants(self) -> bool:
        """Whether it means some grants of its devices, not all."""
        return self.capability is not None or self.proviso is not None

    def devices(self) -> Select[str]:
        """Select the ids of the devices that match now."""
        found = select(Device.id).where(*self._place())
        if not self.names_grants:
            return found
        return found.where(exists().where(PlannedGrant.device == Device.id, *self._grants(PlannedGrant)))

    def targets(self) -> Pairs:
        """Select the (device, capability) that match now, ``*`` where every grant of a device is meant."""
        if not self.names_grants:
            return select(Device.id.label("device"), literal(EVERYTHING).label("capability")).where(*self._place())
        found = select(PlannedGrant.device, PlannedGrant.capability).where(*self._grants(PlannedGrant))
        return found.where(*self._within(PlannedGrant.device))

    def grants(self) -> Pairs:
        """Select (device, capability) of the planned grants that match now."""
        found = select(PlannedGrant.device, PlannedGrant.capability).where(*self._grants(PlannedGrant))
        return found.where(*self._within(PlannedGrant.device))

    def indices(self, now: int) -> Indices:
        """Select (uri, index) of every unexpired grant that matches now."""
        found = select(GrantedIndex.uri, GrantedIndex.index).where(GrantedIndex.expires > now)
        return found.where(*self._grants(GrantedIndex), *self._within(GrantedIndex.device))

    def reaches(self, facts: Facts) -> bool:
        """Tell whether one device matches."""
        equal = all(
            wanted is None or wanted == getattr(facts, name)
            for name, wanted in asdict(self).items()
            if name not in _OF_GRANTS | {"tag", "everywhere"}
        )
        return equal and (self.tag is None or self.tag in facts.tags)

    def capabilities(self, plan: Mapping[str, Any]) -> list[str]:
        """Return which grants of a plan it means, ``*`` for all."""
        if not self.names_grants:
            return [EVERYTHING]
        return [
            capability
            for capability, grant in sorted(plan["grants"].items())
            if self.capability in {None, capability}
            and (self.proviso is None or self.proviso in grant.get("provisos", ()))
        ]

    def _place(self) -> list[ColumnElement[bool]]:
        """Return the conditions on a row of ``device``."""
        conditions: list[ColumnElement[bool]] = []
        for column, value in (
            (Device.id, self.device),
            (Device.end_user, self.end_user),
            (Device.product, self.product),
        ):
            if value is not None:
                conditions.append(column == value)
        if self.country is not None:
            conditions.append(Device.end_user.in_(select(Party.id).where(Party.country == self.country)))
        if self.release is not None:
            of_release = (Release.product == self.product, Release.release == self.release)
            conditions.append(Device.manifest.in_(select(Release.manifest).where(*of_release)))
        if self.tag is not None:
            conditions.append(Device.id.in_(select(DeviceTag.device).where(DeviceTag.tag == self.tag)))
        return conditions

    def _within(self, device: InstrumentedAttribute[str]) -> list[ColumnElement[bool]]:
        """Return the conditions on another table's column ``device``."""
        if self.everywhere:
            return []
        if self.device is not None and len(self.to_json().keys() - _OF_GRANTS) == 1:
            return [device == self.device]
        return [device.in_(select(Device.id).where(*self._place()))]

    def _grants(self, of: _Of) -> list[ColumnElement[bool]]:
        """Return the conditions on the grant in a row of a table that has ``device`` and ``capability``."""
        conditions: list[ColumnElement[bool]] = []
        if self.capability is not None:
            conditions.append(of.capability == self.capability)
        if self.proviso is not None:
            made_with = and_(PlannedProviso.device == of.device, PlannedProviso.capability == of.capability)
            conditions.append(exists().where(made_with, PlannedProviso.proviso == self.proviso))
        return conditions


def facts_of(session: Session, device: Device) -> Facts:
    """Return what scopes ask about a device."""
    country = session.scalars(select(Party.country).where(Party.id == device.end_user)).one()
    release = session.scalars(select(Release.release).where(Release.manifest == device.manifest)).one()
    tags = frozenset(row.tag for row in device.tags)
    return Facts(device.id, device.end_user, country, device.product, release, tags)
