"""Denials on their way to the journal: the first of a kind goes at once, those like it follow together."""

from __future__ import annotations

from math import inf
from typing import Final, TypeAlias

from licensing_protocol.capability import parse_id
from licensing_protocol.decision import Denied
from licensing_protocol.errors import MalformedDocument

# The capability and the code of the reason.
Kind: TypeAlias = tuple[str, str]
# A product that asks in a loop does not write in that loop.
INTERVAL_S: Final = 1.0
_MAX_KINDS: Final = 256
_NO_NAME: Final = "unnamed"


class Denials:
    """Counts by kind. What could not be written stays until it can."""

    def __init__(self) -> None:
        self._waiting: dict[Kind, int] = {}
        self._written: dict[Kind, float] = {}

    def add(self, denied: Denied, boottime: float) -> bool:
        """Count one, and tell whether it should be written now (``boottime`` in seconds)."""
        kind = (_name(denied.capability), denied.reason.code)
        if kind not in self._waiting and len(self._waiting) >= _MAX_KINDS:
            return True
        self._waiting[kind] = self._waiting.get(kind, 0) + 1
        return boottime >= self._written.get(kind, -inf) + INTERVAL_S

    def pending(self) -> dict[Kind, int]:
        """Return what :meth:`written` has not confirmed yet."""
        return dict(self._waiting)

    def written(self, counts: dict[Kind, int], boottime: float) -> None:
        """Forget counts that are on disk now."""
        if len(self._written) >= _MAX_KINDS:
            self._written.clear()
        for kind, number in counts.items():
            left = self._waiting.get(kind, 0) - number
            if left > 0:
                self._waiting[kind] = left
            else:
                self._waiting.pop(kind, None)
            self._written[kind] = boottime


def _name(capability: str) -> str:
    """Return the capability's id; a product that asks by another kind of string leaves that string out."""
    try:
        return parse_id(capability, "capability")
    except MalformedDocument:
        return _NO_NAME
