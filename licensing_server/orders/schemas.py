"""Orders on the wire."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from licensing_server.catalogue.schemas import CapabilityId
from licensing_server.devices.schemas import Tag
from licensing_server.diligence.schemas import Country
from licensing_server.entitlements import Scope
from licensing_server.entitlements.tables import OrderTarget
from licensing_server.orders.appeals import Outcome
from licensing_server.orders.kinds import ReasonCode
from licensing_server.orders.propagation import Propagation
from licensing_server.orders.reach import Extent
from licensing_server.orders.tables import Order
from licensing_server.web import Body, Identifier, Reply

Release = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Sentence = Annotated[str, Field(min_length=10, max_length=2000)]
_PLACES = ("device", "end_user", "country", "product", "release", "tag")


class ScopeBody(Body):
    """What the order is about: devices for which every given member holds, and of them the grants that are named.

    ``country`` is the destination of the registered end-user, not where a device is. The whole fleet is meant only
    where ``everywhere`` says so.
    """

    device: Identifier | None = None
    end_user: Identifier | None = None
    country: Country | None = None
    product: Identifier | None = None
    release: Release | None = None
    tag: Tag | None = None
    capability: CapabilityId | None = None
    proviso: Identifier | None = None
    everywhere: bool = False

    @model_validator(mode="after")
    def _says_where(self) -> ScopeBody:
        named = any(getattr(self, place) is not None for place in _PLACES)
        if named == self.everywhere:
            raise ValueError("a scope names some devices, or says everywhere, and not both")
        if self.release is not None and self.product is None:
            raise ValueError("a release is one of a product: name the product too")
        return self

    def to_scope(self) -> Scope:
        """Return it as the rooms know it."""
        return Scope(**self.model_dump())


class Aim(Body):
    """What an order would do to whom: a reinstatement names the order that it undoes, every other a scope.

    ``limits`` and the ``zones`` that they name are those of a grant plan; they take the place of the same kinds of
    limits in the plans of the devices reached.
    """

    kind: Literal["suspend", "revoke", "limit", "reinstate"]
    scope: ScopeBody | None = None
    undoes: Identifier | None = None
    limits: Annotated[dict[str, Any] | None, Field(min_length=1, max_length=16)] = None
    zones: Annotated[dict[str, dict[str, Any]], Field(max_length=100)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of_both(self) -> Aim:
        wanted, other = (self.undoes, self.scope) if self.kind == "reinstate" else (self.scope, self.undoes)
        if wanted is None or other is not None:
            raise ValueError("a reinstatement names the order that it undoes; every other order a scope")
        if (self.kind == "limit") == (self.limits is None):
            raise ValueError("an order of the kind limit, and no other, gives limits")
        return self


class NewOrder(Aim):
    """An order to place. ``emergency``: suspends at once however far it reaches, and lapses unless confirmed.

    ``effective_at`` is when it takes force, in seconds since the epoch; now, if not said.
    """

    reason_code: ReasonCode
    reason_text: Sentence
    emergency: bool = False
    effective_at: Annotated[int | None, Field(ge=0, le=2**53 - 1)] = None


class ExtentReply(Reply):
    """What an order would reach: devices by country of destination, grants by capability.

    ``safety`` names functions that stay on whatever is ordered; ``second_person`` tells whether one must confirm.
    """

    devices: int
    grants: int
    countries: dict[str, int]
    capabilities: dict[str, int]
    safety: list[str]
    second_person: bool

    @classmethod
    def of(cls, extent: Extent, *, second_person: bool) -> ExtentReply:
        """Show an extent."""
        return cls(
            devices=extent.reach.devices,
            grants=extent.reach.grants,
            countries=extent.countries,
            capabilities=extent.capabilities,
            safety=extent.safety,
            second_person=second_person,
        )


class TargetReply(Reply):
    """One target; ``confirmed_at`` is when the device's own evidence showed that it knows."""

    device: str
    capability: str
    confirmed_at: int | None

    @classmethod
    def of(cls, target: OrderTarget) -> TargetReply:
        """Show one row."""
        return cls(device=target.device, capability=target.capability, confirmed_at=target.known_at)


class OrderReply(Reply):
    """An order, and what became of it. Times are seconds since the epoch.

    ``devices`` and ``grants`` are its reach when it was placed, ``targeted`` the devices that it reached when it took
    force. Of ``targets`` at most 200 are shown. ``witness_until`` is when an order that waits for the log's witnesses
    takes force at the latest.
    """

    id: str
    kind: str
    scope: dict[str, Any]
    terms: dict[str, Any] | None
    reason_code: str
    reason_text: str
    actor: str
    placed_at: int
    effective_at: int
    emergency: bool
    undoes: str | None
    devices: int
    grants: int
    state: str
    confirm_by: int | None
    lapses_at: int | None
    confirmed_by: str | None
    in_force_at: int | None
    targeted: int
    undone_by: str | None
    witness_until: int | None
    targets: list[TargetReply]

    @classmethod
    def of(cls, order: Order, targets: list[OrderTarget]) -> OrderReply:
        """Show an order with its targets."""
        values = {name: getattr(order, name) for name in cls.model_fields if name != "targets"}
        return cls(**values, targets=list(map(TargetReply.of, targets)))


class PropagationReply(Reply):
    """How far an order has come, in devices, at ``as_of`` (seconds since the epoch).

    ``confirmed``: their own evidence shows that they know. ``overdue``: past max_offline or max_silent, so presumed to
    deny by themselves; that is not proven. ``unreachable``: silent for long, and not overdue. ``waiting``: the rest.
    ``after_s`` are percentiles of the seconds from taking force until a device's evidence showed it.
    """

    order: str
    kind: str
    state: str
    in_force_at: int | None
    as_of: int
    targeted: int
    confirmed: int
    overdue: int
    unreachable: int
    waiting: int
    first_confirmed_at: int | None
    last_confirmed_at: int | None
    after_s: dict[str, int]

    @classmethod
    def of(cls, order: Order, propagation: Propagation, now: int) -> PropagationReply:
        """Show an order's propagation."""
        facts = {"order": order.id, "kind": order.kind, "state": order.state, "in_force_at": order.in_force_at}
        return cls(**facts, as_of=now, **asdict(propagation))


class NewAppeal(Body):
    """What an operator objects to; ``device`` is the one that they operate."""

    device: Identifier | None = None
    text: Sentence


class AppealAnswer(Body):
    """What the appeal came to, and why; the operator reads it."""

    outcome: Outcome
    text: Sentence


class AppealReply(Reply):
    """An appeal against an order, and its answer where there is one."""

    id: str
    order: str
    device: str | None
    text: str
    recorded_by: str
    received_at: int
    outcome: str | None
    answer: str | None
    answered_by: str | None
    answered_at: int | None
