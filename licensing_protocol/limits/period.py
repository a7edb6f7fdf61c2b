"""``period``: from one instant to another (protocol §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.fields import Fields
from licensing_protocol.limits.verdict import Verdict, fails, holds, unknown
from licensing_protocol.reasons import Reason
from licensing_protocol.time_bounds import TimeBounds


@dataclass(frozen=True, slots=True)
class Period:
    """Allowed from ``nbf`` (inclusive) to ``exp`` (exclusive), seconds."""

    nbf: int
    exp: int

    @classmethod
    def parse(cls, value: Any) -> Period:
        """Read ``{nbf, exp}``; an end that is not after the beginning is ``field.range``."""
        fields = Fields(value, "period")
        period = cls(fields.integer("nbf"), fields.integer("exp"))
        fields.end()
        if period.exp <= period.nbf:
            fields.refuse("exp", "field.range", "must be after nbf")
        return period

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {"nbf": self.nbf, "exp": self.exp}

    def evaluate(self, time: TimeBounds) -> Verdict:
        """Hold the period against the time; known to be over stays over, whatever else is unknown."""
        if time.latest >= self.exp:
            return fails(Reason("period.over"))
        if not time.known:
            return unknown(Reason("time.unknown"), self.exp)
        if time.earliest < self.nbf:
            return fails(Reason("period.not_yet", retry_at=self.nbf), time.latest + self.nbf - time.earliest)
        return holds(self.exp)
