"""``authority``: a use cites the legal authority on which it stands (protocol §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.fields import Fields
from licensing_protocol.limits.iregexp import Pattern
from licensing_protocol.limits.verdict import Verdict, fails, holds
from licensing_protocol.reasons import Reason

MAX_AUTHORITY = 256


@dataclass(frozen=True, slots=True)
class Authority:
    """Whether one must be cited, and the form (RFC 9485) that one which is cited must have."""

    required: bool
    pattern: Pattern | None

    @classmethod
    def parse(cls, value: Any) -> Authority:
        """Read ``{required, pattern?}``; a pattern that RFC 9485 does not allow is ``authority.pattern``."""
        fields = Fields(value, "authority")
        authority = cls(
            fields.boolean("required"),
            fields.optional("pattern", lambda name: Pattern.parse(fields.text(name, longest=1000))),
        )
        fields.end()
        return authority

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        claims: JsonObject = {"required": self.required}
        if self.pattern is not None:
            claims["pattern"] = self.pattern.source
        return claims

    def evaluate(self, authority: str | None) -> Verdict:
        """Hold what was cited against the form."""
        if not authority:
            return fails(Reason("authority.missing")) if self.required else holds()
        is_short = isinstance(authority, str) and len(authority) <= MAX_AUTHORITY
        if is_short and (self.pattern is None or self.pattern.matches(authority)):
            return holds()
        return fails(Reason("authority.refused"))
