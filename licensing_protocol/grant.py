"""One grant of an entitlement: a capability, how it may be used, and how its life is followed (protocol §3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields
from licensing_protocol.limits import Limits
from licensing_protocol.status_list import SHARD_ENTRIES

_MAX_URI = 2048
_MAX_OBLIGATIONS = 64
_MAX_PARAMETERS = 64


class Audit(StrEnum):
    """What a use leaves in the journal: nothing, a count, or one event each."""

    NONE = "none"
    COUNT = "count"
    EACH = "each"


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where the grant's two bits stand: the list's URI (an identifier) and the index in it."""

    uri: str
    index: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """Most seconds since the status list's ``iat`` and since the newest receipt's; and whether each start needs one."""

    max_offline: int
    max_silent: int
    per_boot: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """``degrade`` is ``None`` where the unknown is denied; else the parameters to which the product must fall back."""

    status: StatusReference
    freshness: Freshness
    limits: Limits
    degrade: JsonObject | None = None
    audit: Audit = Audit.COUNT
    obligations: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: Any, capability: str) -> Grant:
        """Read one member of ``grants``; unknown members are errors, unknown limits are kept and deny."""
        fields = Fields(value, f"grants.{capability}")
        grant = cls(
            status=_status(fields.object("status")),
            freshness=_freshness(fields.object("freshness")),
            limits=Limits.parse(fields.take("limits")),
            degrade=_on_unknown(fields.take("on_unknown"), fields),
            audit=_audit(fields),
            obligations=fields.texts("obligations", most=_MAX_OBLIGATIONS),
        )
        fields.end()
        return grant

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        freshness = self.freshness
        return {
            "status": {"uri": self.status.uri, "idx": self.status.index},
            "freshness": {
                "max_offline": freshness.max_offline,
                "max_silent": freshness.max_silent,
                "per_boot": freshness.per_boot,
            },
            "limits": self.limits.to_claims(),
            "on_unknown": "deny" if self.degrade is None else {"degrade": self.degrade},
            "audit": str(self.audit),
            "obligations": list(self.obligations),
        }


def _status(fields: Fields) -> StatusReference:
    status = StatusReference(fields.text("uri", longest=_MAX_URI), fields.integer("idx", most=SHARD_ENTRIES - 1))
    fields.end()
    return status


def _freshness(fields: Fields) -> Freshness:
    freshness = Freshness(
        fields.integer("max_offline", least=1), fields.integer("max_silent", least=1), fields.boolean("per_boot")
    )
    fields.end()
    return freshness


def _on_unknown(value: Any, fields: Fields) -> JsonObject | None:
    if value == "deny":
        return None
    if isinstance(value, dict):
        inner = Fields(value, "on_unknown")
        parameters = dict(inner.members("degrade", most=_MAX_PARAMETERS))
        inner.end()
        return parameters
    fields.refuse("on_unknown", "field.type", 'must be "deny" or {"degrade": {…}}')


def _audit(fields: Fields) -> Audit:
    value = fields.text("audit")
    try:
        return Audit(value)
    except ValueError as error:
        raise MalformedDocument("audit is none, count or each.", code="field.range") from error
