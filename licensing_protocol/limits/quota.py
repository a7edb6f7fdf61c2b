"""``quota``: so many uses in each window of time, or in all (protocol §3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields
from licensing_protocol.limits.verdict import Verdict, fails, holds
from licensing_protocol.reasons import Reason

_DURATION = re.compile(
    r"P(?=.)(?:(?P<D>\d{1,6})D)?(?:T(?=\d)(?:(?P<H>\d{1,6})H)?(?:(?P<M>\d{1,6})M)?(?:(?P<S>\d{1,9})S)?)?",
    re.ASCII,
)
_SECONDS = {"D": 86_400, "H": 3_600, "M": 60, "S": 1}


@dataclass(frozen=True, slots=True)
class Window:
    """``index`` numbers it from the anchor; ``ends`` (seconds) is ``None`` where the quota is a total."""

    index: int
    ends: int | None


@dataclass(frozen=True, slots=True)
class Quota:
    """``uses`` per window of ``per`` (ISO 8601), counted from ``anchor`` (seconds). ``id`` survives a re-issue."""

    id: str
    uses: int
    per: str | None
    anchor: int

    @classmethod
    def parse(cls, value: Any) -> Quota:
        """Read ``{id, uses, per?, anchor}``; a duration in other units than D, H, M, S is ``quota.per``."""
        fields = Fields(value, "quota")
        quota = cls(
            id=fields.text("id", longest=100),
            uses=fields.integer("uses"),
            per=fields.optional("per", lambda name: fields.text(name, longest=40)),
            anchor=fields.integer("anchor"),
        )
        fields.end()
        if quota.per is not None:
            _seconds(quota.per)
        return quota

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        claims: JsonObject = {"id": self.id, "uses": self.uses, "anchor": self.anchor}
        if self.per is not None:
            claims["per"] = self.per
        return claims

    def window(self, lower: int) -> Window:
        """Return the window of a moment, by the lower bound of time: one set ahead refills nothing."""
        if self.per is None:
            return Window(0, None)
        length = _seconds(self.per)
        index = max(0, (lower - self.anchor) // length)
        return Window(index, self.anchor + (index + 1) * length)

    def evaluate(self, used: int, lower: int) -> Verdict:
        """Hold the uses of the current window against the quota."""
        ends = self.window(lower).ends
        if used >= self.uses:
            # Of a quota without any use no window brings one.
            return fails(Reason("quota.exhausted", retry_at=ends if self.uses else None), ends)
        return holds(ends)


def _seconds(duration: str) -> int:
    match = _DURATION.fullmatch(duration)
    total = sum(int(number) * _SECONDS[unit] for unit, number in match.groupdict("0").items()) if match else 0
    if not total:
        raise MalformedDocument("A quota's per is a duration such as P1D or PT8H.", code="quota.per")
    return total
