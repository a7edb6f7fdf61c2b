"""Orders on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from licensing_server.catalogue.schemas import CapabilityId
from licensing_server.orders.place import ReasonCode
from licensing_server.orders.tables import Order, OrderTarget
from licensing_server.web import Body, Identifier, Reply


class ScopeBody(Body):
    """What the order is about."""

    device: Identifier
    capability: CapabilityId


class NewOrder(Body):
    """An order to place: a suspension or revocation names a scope, a reinstatement the order that it undoes."""

    kind: Literal["suspend", "revoke", "reinstate"]
    scope: ScopeBody | None = None
    undoes: Identifier | None = None
    reason_code: ReasonCode
    reason_text: Annotated[str, Field(min_length=10, max_length=2000)]

    @model_validator(mode="after")
    def _one_of_both(self) -> NewOrder:
        wanted, other = (self.undoes, self.scope) if self.kind == "reinstate" else (self.scope, self.undoes)
        if wanted is None or other is not None:
            raise ValueError("a reinstatement names the order that it undoes; every other order a scope")
        return self


class TargetReply(Reply):
    """One target; ``confirmed_at`` is when the device's own evidence showed that it knows."""

    device: str
    capability: str
    confirmed_at: int | None


class OrderReply(Reply):
    """An order, and what became of it."""

    id: str
    kind: str
    scope: dict[str, Any]
    reason_code: str
    reason_text: str
    actor: str
    placed_at: int
    undoes: str | None
    targeted: int
    lapses_at: int | None
    confirmed_by: str | None
    undone_by: str | None
    targets: list[TargetReply]

    @classmethod
    def of(cls, order: Order, targets: list[OrderTarget]) -> OrderReply:
        """Show an order with its targets."""
        values = {name: getattr(order, name) for name in cls.model_fields if name != "targets"}
        return cls(**values, targets=[TargetReply.model_validate(target) for target in targets])
