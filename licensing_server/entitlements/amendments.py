"""New limits that an order lays on grants: settled once, laid over a device's plan whenever it is signed."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from licensing_protocol.canonical import JsonObject, digest, encode, to_base64url
from licensing_protocol.limits import Limits
from licensing_server.entitlements.plan import cut_zones
from licensing_server.entitlements.restrictions import Held
from licensing_server.entitlements.scope import EVERYTHING
from licensing_server.problem import Unprocessable

_AREA_MEMBERS = ("allow", "deny")


def settle_terms(limits: Mapping[str, Any], zones: Mapping[str, Any]) -> JsonObject:
    """Return limits with their regions cut, to stand for themselves from now on.

    Zones get ids of their own content, so that they meet no zone of a device's plan.

    Raises:
        MalformedDocument: no device could read them; Unprocessable: ``limit.unsupported``, ``plan.zone``.
    """
    settled = dict(limits)
    if isinstance(settled.get("quota"), dict):
        # Each grant keeps its own id and anchor, see :func:`amend`.
        settled["quota"] = settled["quota"] | {"id": "order", "anchor": 0}
    parsed = Limits.parse(settled)
    if parsed.unsupported:
        kinds = ", ".join(parsed.unsupported)
        raise Unprocessable("limit.unsupported", f"No limit of this kind exists: {kinds}.")
    cut = cut_zones(parsed.zone_ids, zones)
    names = {zone_id: f"{zone_id}@{to_base64url(digest(encode(zone)))[:8]}" for zone_id, zone in cut.items()}
    if "area" in settled:
        area = dict(settled["area"])
        for member in _AREA_MEMBERS:
            if member in area:
                area[member] = [names[zone_id] for zone_id in area[member]]
        settled["area"] = area
    return {"limits": settled, "zones": {names[zone_id]: zone for zone_id, zone in cut.items()}}


def amend(plan: Mapping[str, Any], holds: Iterable[Held], anchors: Mapping[str, int]) -> JsonObject:
    """Return a plan with the limits that orders in force lay on it; a later order's limit takes an earlier one's place.

    A quota keeps the id that it has in the plan, and the one of ``anchors`` that the device was given for it, so that
    no order refills anything.
    """
    amended: JsonObject = copy.deepcopy(dict(plan))
    for hold in holds:
        if hold.terms is not None:
            amended["zones"] |= hold.terms["zones"]
            for capability, grant in amended["grants"].items():
                if hold.capability in {capability, EVERYTHING}:
                    grant["limits"] = _limits(grant["limits"], capability, hold, anchors)
    return amended


def _limits(limits: Mapping[str, Any], capability: str, hold: Held, anchors: Mapping[str, int]) -> JsonObject:
    terms: JsonObject = dict((hold.terms or {})["limits"])
    if "quota" in terms:
        kept = limits.get("quota", {"id": capability, "anchor": anchors.get(capability, hold.since)})
        terms["quota"] = terms["quota"] | {"id": kept["id"], "anchor": kept["anchor"]}
    return dict(limits) | terms
