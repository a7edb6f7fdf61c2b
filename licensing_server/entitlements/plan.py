"""The grant plan: what staff approve, before anything is known of shards, keys and versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject
from licensing_protocol.limits import Limits
from licensing_server import catalogue
from licensing_server.catalogue import Regions
from licensing_server.catalogue.capabilities import known_capabilities
from licensing_server.catalogue.schemas import CapabilityId
from licensing_server.problem import Unprocessable
from licensing_server.web import Body, Identifier

DAY_S = 86_400
_KINDS = frozenset(Limits.__dataclass_fields__) - {"foreign"}


class Freshness(Body):
    """Seconds without a new status list, and without a receipt, after which the capability is lost."""

    max_offline: Annotated[int, Field(ge=1, le=366 * DAY_S)] = 7 * DAY_S
    max_silent: Annotated[int, Field(ge=1, le=366 * DAY_S)] = 30 * DAY_S
    per_boot: bool = False


class Degrade(Body):
    """The parameters to which the product must fall back when something is unknown."""

    degrade: dict[str, Any]


class PlannedGrant(Body):
    """One capability: its own limits, the provisos that add theirs, and how its life is followed.

    An area may name zones of the plan and codes of regions. A quota without ``id`` and ``anchor`` gets both.
    """

    limits: dict[str, Any] = Field(default_factory=dict)
    provisos: Annotated[list[Identifier], Field(max_length=16)] = Field(default_factory=list)
    freshness: Freshness = Freshness()
    on_unknown: Literal["deny"] | Degrade = "deny"
    audit: Literal["none", "count", "each"] = "count"
    obligations: Annotated[list[str], Field(max_length=64)] = Field(default_factory=list)


class GrantPlan(Body):
    """What one device shall be allowed, for ``valid_for`` seconds from each issue on."""

    valid_for: Annotated[int, Field(ge=60, le=10 * 366 * DAY_S)] = 90 * DAY_S
    grants: Annotated[dict[CapabilityId, PlannedGrant], Field(max_length=1000)]
    zones: Annotated[dict[str, dict[str, Any]], Field(max_length=1000)] = Field(default_factory=dict)


def settle(session: Session, plan: GrantPlan, now: int, anchors: Mapping[str, int] | None = None) -> JsonObject:
    """Return the plan with provisos merged in, regions cut and quotas anchored: from now on it stands for itself.

    A quota keeps the one of ``anchors`` that the device was given for its id, so that a new issue refills nothing
    (protocol §3).

    Raises:
        Unprocessable: ``plan.capability``, ``plan.conflict``, ``plan.zone``, ``plan.anchor``, ``limit.unsupported``;
            NotFound: ``proviso.unknown``.
    """
    _refuse_unknown(frozenset(plan.grants) - known_capabilities(session))
    zones: JsonObject = dict(plan.zones)
    anchored = dict(anchors or {})
    grants = {}
    for capability, grant in plan.grants.items():
        limits = _merge(session, capability, grant, zones)
        _anchor(limits, capability, anchored, now)
        grants[capability] = grant.model_dump(mode="json", exclude={"limits"}) | {"limits": limits}
    named = {zone for grant in grants.values() for zone in _zone_ids(grant["limits"])}
    return {"valid_for": plan.valid_for, "grants": grants, "zones": cut_zones(named, zones)}


def cut_zones(named: Iterable[str], zones: Mapping[str, Any]) -> JsonObject:
    """Return the zones that limits name: those given, and regions cut from the boundary data.

    Raises:
        Unprocessable: ``plan.zone``.
    """
    return {zone: _zone(zone, zones) for zone in sorted(named)}


def _refuse_unknown(unknown: frozenset[str]) -> None:
    if unknown:
        names = ", ".join(sorted(unknown))
        raise Unprocessable("plan.capability", f"Not in the catalogue: {names}.")


def _merge(session: Session, capability: str, grant: PlannedGrant, zones: JsonObject) -> JsonObject:
    limits = dict(grant.limits)
    for proviso_id in grant.provisos:
        proviso = catalogue.proviso_of(session, proviso_id)
        for kind, limit in proviso.limits.items():
            if limits.setdefault(kind, limit) != limit:
                sentence = f"{capability}: two sources limit the {kind}; keep one of them."
                raise Unprocessable("plan.conflict", sentence)
        for zone_id, zone in proviso.zones.items():
            if zones.setdefault(zone_id, zone) != zone:
                raise Unprocessable("plan.conflict", f"{capability}: two zones have the id {zone_id!r}.")
    foreign = ", ".join(sorted(set(limits) - _KINDS))
    if foreign:
        raise Unprocessable("limit.unsupported", f"{capability}: no limit of this kind exists: {foreign}.")
    return limits


def _anchor(limits: JsonObject, capability: str, anchored: dict[str, int], now: int) -> None:
    quota = limits.get("quota")
    if isinstance(quota, dict):
        quota_id = str(quota.get("id", capability))
        anchor = anchored.setdefault(quota_id, quota.get("anchor", now))
        if quota.get("anchor", anchor) != anchor:
            sentence = f"{capability}: the quota {quota_id!r} is counted from {anchor} for ever; leave its anchor out."
            raise Unprocessable("plan.anchor", sentence)
        limits["quota"] = quota | {"id": quota_id, "anchor": anchor}


def _zone_ids(limits: JsonObject) -> frozenset[str]:
    return Limits.parse(limits).zone_ids


def _zone(zone_id: str, zones: Mapping[str, Any]) -> JsonObject:
    if zone_id in zones:
        zone: JsonObject = zones[zone_id]
        return zone
    regions = Regions.load()
    if not regions.has(zone_id):
        sentence = f"{zone_id!r} is neither a zone of the plan nor a region that GET /v1/regions lists."
        raise Unprocessable("plan.zone", sentence)
    return regions.zone(zone_id).to_claims()
