"""The way into a use: ``with gate as granted:``.

A gate is prepared once for all uses that need nothing but an answer that holds for a while. Entering it reads the
clock, compares, counts, and takes no lock. Any other use goes the slow way, which may evaluate the use, write to the
disk, and refuse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, TypeAlias

from device_agent.enforcement.familiar import Familiar
from licensing_protocol.decision import Decision, Granted, Use

# The slow way: evaluates one use of a capability, and raises CapabilityDenied.
Admit: TypeAlias = Callable[[str, Use], Granted]
NOTHING_SAID: Final = Use()


class Gate:
    """A context manager, plain and asynchronous; it can be entered again and from several threads.

    The body's own exceptions pass through it unchanged.

    Raises:
        CapabilityDenied: on entering, where the use is not allowed.
    """

    __slots__ = ("_admit", "_capability", "_use")

    def __init__(self, admit: Admit, capability: str, use: Use = NOTHING_SAID) -> None:
        self._admit = admit
        self._capability = capability
        self._use = use

    def __enter__(self) -> Granted:
        return self._admit(self._capability, self._use)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave; what the body raised goes on."""

    async def __aenter__(self) -> Granted:
        # It may wait for the disk, and the product's loop must not.
        return await asyncio.to_thread(self._admit, self._capability, self._use)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Leave; what the body raised goes on."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer that holds while the time since start is at least ``since`` and below ``until`` (seconds).

    Time that is before ``since`` went back, and how much of it has passed is not known.

    ``granted`` is there where a use leaves nothing on disk, and ``tick`` then counts it, if it is counted. ``familiar``
    is there where the answer is only for uses that it knows.
    """

    boottime: Callable[[], float]
    decision: Decision
    since: float
    until: float
    granted: Granted | None = None
    tick: Callable[[], int] | None = None
    familiar: Familiar | None = None

    def covers(self, use: Use) -> bool:
        """Tell whether the answer stands for this use at this moment."""
        return self.since <= self.boottime() < self.until and (self.familiar is None or self.familiar.knows(use))


class PreparedGate(Gate):
    """A gate that stands open for what its prepared answer covers."""

    __slots__ = ("prepared",)

    def __init__(self, admit: Admit, capability: str, use: Use, prepared: Prepared) -> None:
        self._admit = admit
        self._capability = capability
        self._use = use
        self.prepared = prepared

    def saying(self, use: Use) -> PreparedGate:
        """Return this gate for a use of which something is said."""
        return PreparedGate(self._admit, self._capability, use, self.prepared)

    def __enter__(self) -> Granted:
        prepared = self.prepared
        granted = prepared.granted
        # As `covers`, written out: this is the path of every use.
        if granted is not None and prepared.since <= prepared.boottime() < prepared.until:
            familiar = prepared.familiar
            if familiar is None or familiar.knows(self._use):
                if prepared.tick is not None:
                    prepared.tick()
                return granted
        return self._admit(self._capability, self._use)

    async def __aenter__(self) -> Granted:
        if self.prepared.granted is not None and self.prepared.covers(self._use):
            return self.__enter__()
        return await super().__aenter__()
