"""From a settled plan to an entitlement: pure, and refused unless a device could evaluate all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from licensing_protocol.canonical import JsonObject
from licensing_protocol.decision import CompiledGrant
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.grant import Grant, StatusReference
from licensing_protocol.limits import Zone
from licensing_protocol.manifest import Manifest
from licensing_server.problem import Unprocessable


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an entitlement is for: the device and its key, the release it runs, the end-user and the authorisation."""

    device: str
    device_key: str
    manifest: Manifest
    end_user: str
    authorisation: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """``id`` and ``version`` of the document, and when it is issued (seconds)."""

    id: str
    version: int
    now: int


def compose(
    plan: JsonObject, subject: Subject, numbers: Numbers, references: Mapping[str, StatusReference]
) -> Entitlement:
    """Return the entitlement that grants exactly the capabilities of ``references``.

    Raises:
        MalformedDocument: a part that no device could read; Unprocessable: ``plan.safety``, ``limit.unsupported``.
    """
    manifest = subject.manifest
    gated_safety = manifest.safety & set(references)
    if gated_safety:
        names = ", ".join(sorted(gated_safety))
        raise Unprocessable("plan.safety", f"Safety functions of the product are never gated: {names}.")
    grants = {capability: _grant(plan, capability, references[capability]) for capability in sorted(references)}
    named = {zone for grant in grants.values() for zone in grant.limits.zone_ids}
    entitlement = Entitlement(
        issuer=manifest.issuer,
        issued_at=numbers.now,
        not_before=numbers.now,
        expires=numbers.now + plan["valid_for"],
        id=numbers.id,
        device=subject.device,
        device_key=subject.device_key,
        version=numbers.version,
        product=manifest.product,
        releases=frozenset({manifest.release}),
        manifest=manifest.identity,
        authorisation=subject.authorisation,
        end_user=subject.end_user,
        zones={zone: Zone.parse(plan["zones"][zone]) for zone in sorted(named)},
        grants=grants,
    )
    entitlement = Entitlement.parse(entitlement.to_claims())
    _refuse_unsupported(entitlement)
    return entitlement


def _grant(plan: JsonObject, capability: str, reference: StatusReference) -> Grant:
    planned = {name: member for name, member in plan["grants"][capability].items() if name != "provisos"}
    return Grant.parse(planned | {"status": {"uri": reference.uri, "idx": reference.index}}, capability)


def _refuse_unsupported(entitlement: Entitlement) -> None:
    for capability in entitlement.grants:
        unsupported = CompiledGrant(entitlement, capability).unsupported
        if unsupported:
            raise Unprocessable(
                "limit.unsupported", f"{capability}: a limit cannot be evaluated: {', '.join(unsupported)}."
            )
