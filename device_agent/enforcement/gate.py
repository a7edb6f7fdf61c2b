"""The way into a use: ``with gate as granted:``.

A gate is prepared once for all uses that need nothing but an answer that holds for a while. Entering it reads the
clock, compares, counts, and takes no lock. Any other use goes the slow way, which may evaluate the use, write to the
disk, and refuse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final, TypeAlias

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


class PreparedGate(Gate):
    """A gate whose ``decision`` stands for every use while the time since start is below ``until`` (seconds).

    ``granted`` is given where such a use leaves nothing on disk; then ``tick`` counts it, if it is counted.
    """

    __slots__ = ("_boottime", "_granted", "_tick", "decision", "until")

    def __init__(
        self,
        gate: Gate,
        boottime: Callable[[], float],
        decision: Decision,
        until: float,
        granted: Granted | None,
        tick: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(gate._admit, gate._capability, gate._use)
        self.decision = decision
        self.until = until
        self._boottime = boottime
        self._granted = granted
        self._tick = tick

    def saying(self, use: Use) -> PreparedGate:
        """Return this gate for a use of which something is said: it matters once the prepared answer has ended."""
        plain = Gate(self._admit, self._capability, use)
        return PreparedGate(plain, self._boottime, self.decision, self.until, self._granted, self._tick)

    def __enter__(self) -> Granted:
        if self._granted is not None and self._boottime() < self.until:
            if self._tick is not None:
                self._tick()
            return self._granted
        return self._admit(self._capability, self._use)

    async def __aenter__(self) -> Granted:
        if self._granted is not None and self._boottime() < self.until:
            return self.__enter__()
        return await super().__aenter__()
