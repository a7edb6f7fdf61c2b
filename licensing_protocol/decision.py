"""The decision: from what is known to granted or denied, with the reason (protocol §3 to §5).

Pure, so that a server can simulate what a device would decide, and an agent in another language can be held against
it. A decision is made in two steps: :meth:`CompiledGrant.standing` depends on time, place and freshness and is worth
keeping until it ``changes_at``; :meth:`CompiledGrant.on_use` depends on the one use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from licensing_protocol.canonical import JsonObject
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.errors import InterlockError
from licensing_protocol.grant import Audit, Grant
from licensing_protocol.limits import CompiledLimits, Fix, Footing, Surrounding
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
    """The newest plausible position and its age in seconds; ``before`` is what the grant's area answered last."""

    fix: Fix
    age: float
    before: Footing | None = None


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
        supported = self.supported
        return together(self.standing_parts(contact, time, place).values()) if supported.reason is None else supported

    def on_use(self, use: Use, used: int, lower: int) -> Verdict:
        """Evaluate what depends on the single use; ``used`` counts the current quota window, ``lower`` is seconds."""
        return together(self.use_parts(use, used, lower).values())

    @property
    def supported(self) -> Verdict:
        """Whether this installation can enforce every limit of the grant."""
        if self._unsupported:
            return fails(Reason("limit.unsupported", {"limits": ", ".join(self._unsupported)}))
        return holds()

    def standing_parts(self, contact: Contact, time: TimeBounds, place: Place | None) -> dict[str, Verdict]:
        """Return each verdict on which :meth:`standing` rests, in the order in which they are considered."""
        parts = {
            "status": _status(contact),
            "validity": _validity(self._entitlement, time),
            "freshness": self._freshness(contact, time),
        }
        if self._limits is None:
            return parts
        if place is None:
            return parts | self._limits.standing(time, None, None)
        return parts | self._limits.standing(time, place.fix, place.age, place.before)

    def use_parts(self, use: Use, used: int, lower: int) -> dict[str, Verdict]:
        """Return each verdict on which :meth:`on_use` rests, in order."""
        if self._limits is None:
            return {}
        return self._limits.on_use(use.parameters, use.authority, use.operators, used, lower)

    def footing(self, place: Place) -> Footing | None:
        """Return what is to be :attr:`Place.before` next, or ``None`` where the position says nothing of the area."""
        return None if self._limits is None else self._limits.footing(place.fix, place.age, place.before)

    def surroundings(self, fix: Fix) -> tuple[Surrounding, ...]:
        """Return the zones of the grant's area as they are seen from a position, the nearest border first."""
        return () if self._limits is None else self._limits.surroundings(fix)

    def settle(self, verdict: Verdict) -> Decision:
        """Turn a verdict into the decision that the grant's ``on_unknown`` makes of it."""
        grant = self.grant
        if verdict.reason is None:
            return Granted(self.capability, None, grant.obligations, grant.audit)
        if verdict.standing is Standing.UNKNOWN and grant.degrade is not None:
            return Granted(
                self.capability, grant.degrade, grant.obligations, grant.audit, self.while_it_lasts(verdict.reason)
            )
        return Denied(self.capability, self.while_it_lasts(verdict.reason))

    def while_it_lasts(self, reason: Reason) -> Reason:
        """Return the reason without an instant at which the grant itself has ended: nothing is possible again then."""
        period = self.grant.limits.period
        ends = self._entitlement.expires if period is None else min(self._entitlement.expires, period.exp)
        if reason.retry_at is None or reason.retry_at < ends:
            return reason
        return replace(reason, retry_at=None)

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


def document_findings(
    entitlement: Entitlement | None, manifest: Manifest | None, capability: str
) -> Iterator[tuple[str, Reason | None]]:
    """Yield what is asked of the documents before a grant is looked at, in order, and what stands against each.

    Without a ``manifest`` (a simulation) nothing is held against release, manifest and the product's capabilities.
    """
    if manifest is not None:
        yield "manifest", None if capability in manifest.capabilities else Reason("capability.unknown")
    yield "entitlement", Reason("entitlement.absent") if entitlement is None else None
    if entitlement is None:
        return
    if manifest is not None:
        yield "release", None if manifest.release in entitlement.releases else Reason("entitlement.release")
        yield "identity", None if manifest.identity == entitlement.manifest else Reason("entitlement.manifest")
    yield "grant", None if capability in entitlement.grants else Reason("capability.stripped")


def document_reason(entitlement: Entitlement | None, manifest: Manifest | None, capability: str) -> Reason | None:
    """Return why no grant can be looked at at all, or ``None`` where there is one."""
    findings = document_findings(entitlement, manifest, capability)
    return next((reason for _, reason in findings if reason is not None), None)


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
