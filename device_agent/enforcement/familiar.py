"""Uses that were held against the grant's limits on the single use before, and fitted.

Those limits (parameters, authority, operators) look at nothing but what is said of the use, so the same use fits
again for as long as the grant is the same. Only what fits is kept: a refusal is worked out each time.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from licensing_protocol.decision import Use

# Values that are equal are then the same JSON, if their types are the same too: true is no 1, and 1.0 is no 1.
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_MOST: Final = 256
_LONGEST: Final = 1000


class Familiar:
    """Of one grant. It may be asked from any thread without a lock."""

    __slots__ = ("_uses",)

    def __init__(self) -> None:
        self._uses: set[Hashable] = set()

    def knows(self, use: Use) -> bool:
        """Tell whether this use fitted before."""
        try:
            return _said(use) in self._uses
        except TypeError:
            # Something in it cannot be hashed, so it was never kept.
            return False

    def keep(self, use: Use) -> None:
        """Remember a use that fits."""
        values = use.parameters.values()
        if not _PLAIN.issuperset(map(type, values)) or any(
            len(value) > _LONGEST for value in values if type(value) is str
        ):
            return
        if len(self._uses) >= _MOST:
            self._uses.clear()
        self._uses.add(_said(use))


def _said(use: Use) -> Hashable:
    parameters = use.parameters
    if not parameters:
        return use.authority, use.operators
    return use.authority, use.operators, tuple(parameters.items()), tuple(map(type, parameters.values()))
