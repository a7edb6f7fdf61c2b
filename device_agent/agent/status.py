"""How the device stands, for people and programs on it. It holds no secrets, positions or authorities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from device_agent import journal
from device_agent.clock import Reading
from device_agent.enforcement import Beliefs, Enforcer
from device_agent.errors import StoreError
from licensing_protocol.canonical import JsonObject
from licensing_protocol.decision import Decision, Denied
from licensing_protocol.languages import ENGLISH, Language
from licensing_protocol.reasons import Reason
from licensing_protocol.time_bounds import TimeBounds


@dataclass(frozen=True, slots=True)
class EntitlementStatus:
    """The entitlement that is obeyed: its ``jti``, ``ver``, ``nbf`` and ``exp``."""

    id: str
    version: int
    not_before: int
    expires: int


@dataclass(frozen=True, slots=True)
class ListStatus:
    """The newest status list of one shard, and how old it is."""

    uri: str
    sequence: int
    issued_at: int
    age: int


@dataclass(frozen=True, slots=True)
class ReceiptStatus:
    """The newest receipt, and how old it is."""

    issued_at: int
    age: int


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """``problem`` says why the store cannot serve; then only product, release and capabilities are known.

    ``capabilities`` hold what would be answered to a use whose own particulars (authority, operators, parameters,
    quota) fit. Instants and ages are in seconds. ``unreported`` counts events that no receipt covers yet;
    ``silent_sources`` are those of positions that spoke in this start and have been silent for ten minutes.
    """

    product: str
    release: str
    capabilities: Mapping[str, Decision]
    problem: Reason | None = None
    device: str | None = None
    enrolled: bool = False
    entitlement: EntitlementStatus | None = None
    lists: tuple[ListStatus, ...] = ()
    receipt: ReceiptStatus | None = None
    clock: TimeBounds | None = None
    unreported: int = 0
    notices: tuple[str, ...] = ()
    silent_sources: tuple[str, ...] = ()

    def to_json(self, language: Language = ENGLISH) -> JsonObject:
        """Return the status as JSON; ``language`` is that of the sentences about reasons."""
        return {
            "device": self.device,
            "product": self.product,
            "release": self.release,
            "enrolled": self.enrolled,
            "problem": None if self.problem is None else _reason(self.problem, language),
            "entitlement": None if self.entitlement is None else _entitlement(self.entitlement),
            "capabilities": {
                name: _decision(decision, language) for name, decision in sorted(self.capabilities.items())
            },
            "status_lists": {
                held.uri: {"seq": held.sequence, "iat": held.issued_at, "age": held.age} for held in self.lists
            },
            "last_receipt": None if self.receipt is None else {"iat": self.receipt.issued_at, "age": self.receipt.age},
            "clock": None if self.clock is None else _clock(self.clock),
            "unreported_events": self.unreported,
            "notices": list(self.notices),
            "silent_sources": list(self.silent_sources),
        }


def read(beliefs: Beliefs, enforcer: Enforcer, silent: tuple[str, ...], reading: Reading) -> AgentStatus:
    """Return the status at the moment of ``reading``; ``silent`` are the sources of positions that fell silent."""
    manifest = beliefs.manifest
    names = sorted(manifest.capabilities | manifest.safety)
    capabilities = {name: enforcer.standing(name) for name in names}
    try:
        with beliefs.store.read() as connection:
            chain = journal.Chain.read(connection)
        state = beliefs.state
    except StoreError as problem:
        return AgentStatus(manifest.product, manifest.release, capabilities, problem.reason)
    clock = state.time.bounds(reading)
    held, receipt = state.entitlement, state.receipt
    return AgentStatus(
        product=manifest.product,
        release=manifest.release,
        capabilities=capabilities,
        device=state.subject.device,
        enrolled=state.enrolled,
        entitlement=None if held is None else EntitlementStatus(held.id, held.version, held.not_before, held.expires),
        lists=tuple(
            ListStatus(uri, found.sequence, found.issued_at, max(0, clock.latest - found.issued_at))
            for uri, found in sorted(state.lists.items())
        ),
        receipt=None if receipt is None else ReceiptStatus(receipt.issued_at, max(0, clock.latest - receipt.issued_at)),
        clock=clock,
        unreported=chain.last - chain.covered,
        notices=state.notices,
        silent_sources=silent,
    )


def _entitlement(held: EntitlementStatus) -> JsonObject:
    return {"jti": held.id, "ver": held.version, "nbf": held.not_before, "exp": held.expires}


def _decision(decision: Decision, language: Language) -> JsonObject:
    if isinstance(decision, Denied):
        return {"granted": False} | _reason(decision.reason, language)
    told: JsonObject = {"granted": True, "audit": str(decision.audit), "obligations": list(decision.obligations)}
    if decision.reason is not None:
        told |= {"degraded": decision.degraded} | _reason(decision.reason, language)
    return told


def _reason(reason: Reason, language: Language) -> JsonObject:
    told: JsonObject = {"code": reason.code, "sentence": language.sentence(reason)}
    told |= {"retry_at": reason.retry_at, "zone": reason.zone}
    return {name: value for name, value in told.items() if value is not None}


def _clock(bounds: TimeBounds) -> JsonObject:
    return {"lower": bounds.lower, "upper": bounds.upper, "wall": bounds.wall, "known": bounds.known}
