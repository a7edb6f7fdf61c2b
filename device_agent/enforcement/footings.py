"""What each grant's area answered last, so that a position at a border does not change the answer to and fro."""

from __future__ import annotations

import weakref

from licensing_protocol.decision import CompiledGrant
from licensing_protocol.limits import Footing
from licensing_protocol.limits.verdict import Standing


class Footings:
    """Footings by grant, within one start of the device; they end with the entitlement. One thread at a time."""

    def __init__(self) -> None:
        self._held: weakref.WeakKeyDictionary[CompiledGrant, tuple[Standing, float]] = weakref.WeakKeyDictionary()

    def find(self, grant: CompiledGrant, boottime: float) -> Footing | None:
        """Return what the grant's area answered last, as it is at ``boottime`` (seconds since start)."""
        held = self._held.get(grant)
        return None if held is None else Footing(held[0], boottime - held[1])

    def keep(self, grant: CompiledGrant, footing: Footing | None, boottime: float) -> None:
        """Keep what the area answered at ``boottime``; that nothing was known of the place is no answer."""
        if footing is not None:
            self._held[grant] = footing.standing, boottime - footing.age
