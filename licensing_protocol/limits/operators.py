"""``operators``: several people stand behind a use (protocol §3)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.fields import Fields
from licensing_protocol.limits.verdict import Verdict, fails, holds
from licensing_protocol.reasons import Reason


@dataclass(frozen=True, slots=True)
class Operators:
    """So many ``distinct`` operators."""

    distinct: int

    @classmethod
    def parse(cls, value: Any) -> Operators:
        """Read ``{distinct}``."""
        fields = Fields(value, "operators")
        operators = cls(fields.integer("distinct", least=1, most=100))
        fields.end()
        return operators

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {"distinct": self.distinct}

    def evaluate(self, operators: Collection[str]) -> Verdict:
        """Count the different, non-empty names."""
        if len(names(operators)) < self.distinct:
            return fails(Reason("operators.too_few", {"distinct": self.distinct}))
        return holds()


def names(operators: Collection[Any]) -> frozenset[str]:
    """Return the different people who are named: what is no name, as where a product knows of nobody, is nobody."""
    return frozenset(name for name in operators if isinstance(name, str) and name)
