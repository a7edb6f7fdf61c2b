"""``platform``: how fast the thing that carries the device can move (protocol §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.fields import Fields


@dataclass(frozen=True, slots=True)
class Platform:
    """Metres a second; positions that imply more are implausible. Nothing is decided by it alone."""

    max_speed_mps: float

    @classmethod
    def parse(cls, value: Any) -> Platform:
        """Read ``{max_speed_mps}``."""
        fields = Fields(value, "platform")
        platform = cls(fields.number("max_speed_mps", least=0.1, most=12_000))
        fields.end()
        return platform

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {"max_speed_mps": self.max_speed_mps}
