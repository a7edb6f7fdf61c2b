"""The decision: from what is known to granted or denied, with the reason (protocol §3 to §5).

Pure, so that a server can simulate what a device would decide, and an agent in another language can be held against
it. A decision is made in two steps: :meth:`CompiledGrant.standing` depends on time, place and freshness and is worth
keeping until it ``changes_at``; :meth:`CompiledGrant.on_use` depends on the one use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from licensing_protocol.canonical import JsonObject
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.errors import InterlockError
from licensing_protocol.grant import Audit, Grant
from licensing_protocol.limits import CompiledLimits, Fix
from licensing_protocol.limits.verdict import Standing, Verdict, fails, holds, together, unknown
from licensing_protocol.manifest import Manifest
from licensing_protocol.reasons import Reason
from licensing_protocol.status_list import Status
from licensing_protocol.time_bounds import TimeBounds


@dataclass(frozen=True, slots=True)
class Granted:
    """Go ahead. ``degraded`` holds the parameters that the product must use instead of its own, with ``reason`` why."""

    capability: str
    degraded: JsonObject | None = None
    obligations: tuple[str, ...] = ()
    audit: Audit = Audit.NONE
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """Do not. ``reason`` has a stable code, and a sentence for the operator."""

    capability: str
    reason: Reason


Decision: TypeAlias = Granted | Denied


@dataclass(frozen=True, slots=True)
class Use:
    """What the product says of one use."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    authority: str | None = None
    operators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """What has come from the exporter for one grant: its status, the list's ``iat`` and the newest receipt's."""

    status: Status | None = None
    list_issued_at: int = 0
    receipt_issued_at: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """The newest plausible position and its age in seconds."""

    fix: Fix
    age: float


class CompiledGrant:
    """One grant of one entitlement with its limits ready to evaluate.

    A limit that cannot be evaluated here (an unknown kind, a missing library, a zone that crosses itself) leaves the
    grant in place and denies it as ``limit.unsupported``.
    """

    def __init__(self, entitlement: Entitlement, capability: str) -> None:
        self.capability = capability
        self.grant: Grant = entitlement.grants[capability]
        self._entitlement = entitlement
        self._unsupported = self.grant.limits.unsupported
        try:
            self._limits: CompiledLimits | None = self.grant.limits.compile(entitlement.zones)
        except InterlockError as error:
            self._limits, self._unsupported = None, (*self._unsupported, error.code)

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The kinds of limits, or the codes of errors, for which this installation denies the grant."""
        return self._unsupported

    @property
    def depends_on_place(self) -> bool:
        """Whether a new position can change the answer."""
        return self.grant.limits.area is not None

    def standing(self, contact: Contact, time: TimeBounds, place: Place | None) -> Verdict:
        """Evaluate all that does not depend on the single use."""
        if self._limits is None or self._unsupported:
            return fails(Reason("limit.unsupported", {"limits": ", ".join(self._unsupported)}))
        fix, age = (None, None) if place is None else (place.fix, place.age)
        return together(
            (
                _status(contact),
                _validity(self._entitlement, time),
                self._freshness(contact, time),
                self._limits.standing(time, fix, age),
            )
        )

    def on_use(self, use: Use, used: int, lower: int) -> Verdict:
        """Evaluate what depends on the single use; ``used`` counts the current quota window, ``lower`` is seconds."""
        if self._limits is None:
            return holds()
        return self._limits.on_use(use.parameters, use.authority, use.operators, used, lower)

    def settle(self, verdict: Verdict) -> Decision:
        """Turn a verdict into the decision that the grant's ``on_unknown`` makes of it."""
        grant = self.grant
        if verdict.reason is None:
            return Granted(self.capability, None, grant.obligations, grant.audit)
        if verdict.standing is Standing.UNKNOWN and grant.degrade is not None:
            return Granted(self.capability, grant.degrade, grant.obligations, grant.audit, verdict.reason)
        return Denied(self.capability, verdict.reason)

    def _freshness(self, contact: Contact, time: TimeBounds) -> Verdict:
        freshness = self.grant.freshness
        list_dies = contact.list_issued_at + freshness.max_offline
        silence_dies = contact.receipt_issued_at + freshness.max_silent
        if time.latest >= list_dies:
            return fails(Reason("status.stale"))
        if time.latest >= silence_dies:
            return fails(Reason("contact.silent"))
        if freshness.per_boot and time.upper is None:
            return fails(Reason("contact.this_boot"))
        first = min(list_dies, silence_dies)
        return holds(first) if time.known else unknown(Reason("time.unknown"), first)


def document_reason(entitlement: Entitlement | None, manifest: Manifest | None, capability: str) -> Reason | None:
    """Return why no grant can be looked at at all, or ``None`` where there is one.

    Without a ``manifest`` (a simulation) nothing is held against release, manifest and the product's capabilities.
    """
    if manifest is not None and capability not in manifest.capabilities:
        return Reason("capability.unknown")
    if entitlement is None:
        return Reason("entitlement.absent")
    if manifest is not None and manifest.release not in entitlement.releases:
        return Reason("entitlement.release")
    if manifest is not None and manifest.identity != entitlement.manifest:
        return Reason("entitlement.manifest")
    if capability not in entitlement.grants:
        return Reason("capability.stripped")
    return None


def decide(
    entitlement: Entitlement | None,
    manifest: Manifest | None,
    capability: str,
    use: Use,
    *,
    contact: Contact,
    time: TimeBounds,
    place: Place | None = None,
    used: int = 0,
) -> Decision:
    """Decide one use from everything that is known. Safety functions are always granted (protocol §2)."""
    if manifest is not None and capability in manifest.safety:
        return Granted(capability)
    reason = document_reason(entitlement, manifest, capability)
    if entitlement is None or reason is not None:
        return Denied(capability, reason or Reason("entitlement.absent"))
    compiled = CompiledGrant(entitlement, capability)
    return compiled.settle(together((compiled.standing(contact, time, place), compiled.on_use(use, used, time.lower))))


def _status(contact: Contact) -> Verdict:
    if contact.status is None:
        return fails(Reason("status.absent"))
    if contact.status is Status.VALID:
        return holds()
    return fails(Reason("status.suspended" if contact.status is Status.SUSPENDED else "status.invalid"))


def _validity(entitlement: Entitlement, time: TimeBounds) -> Verdict:
    if time.latest >= entitlement.expires:
        return fails(Reason("entitlement.expired"))
    if not time.known:
        return unknown(Reason("time.unknown"), entitlement.expires)
    if time.earliest < entitlement.not_before:
        opens = entitlement.not_before
        return fails(Reason("entitlement.not_yet_valid", retry_at=opens), time.latest + opens - time.earliest)
    return holds(entitlement.expires)
