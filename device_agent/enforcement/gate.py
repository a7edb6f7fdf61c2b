"""The way into a use: ``with gate as granted:``.

A gate stands before a door. While the door's prepared answer holds, entering reads the clock, compares, takes a use
from a block in memory, and takes no lock. Any other use goes the slow way, which may evaluate the use, write to the
disk, and refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from types import TracebackType
from typing import Final, TypeAlias

from device_agent.enforcement.block import Block
from licensing_protocol.decision import CompiledGrant, Decision, Granted, Use


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer that holds while the time since start is at least ``since`` and below ``until`` (seconds).

    Time that is before ``since`` went back, and how much of it has passed is not known. ``granted`` is there where a
    use needs nothing else than to be taken from ``block``; without a block it needs not even that.
    """

    boottime: Callable[[], float]
    since: float
    until: float
    decision: Decision | None = None
    granted: Granted | None = None
    block: Block | None = None

    def decide(self) -> Decision | None:
        """Return the decision on a use, or ``None`` where it is not known here just now."""
        if self.since <= self.boottime() < self.until and (self.block is None or self.block.uses):
            return self.decision
        return None

    def enter(self) -> Granted | None:
        """Take one use, or return ``None`` where it must go the slow way."""
        if self.granted is None or not self.since <= self.boottime() < self.until:
            return None
        if self.block is not None:
            try:
                self.block.take()
            except IndexError:
                return None
        return self.granted


_SHUT: Final = Prepared(lambda: inf, -inf, -inf)


class Door:
    """What is prepared for one grant. All gates of uses that are known to fit the grant stand before it.

    It is opened and shut by replacing ``prepared``, which all of them see at once, also those that a product keeps.
    ``is_wide``: every use fits, whatever is said of it.
    """

    __slots__ = ("grant", "is_wide", "prepared")

    def __init__(self, grant: CompiledGrant | None, is_wide: bool, prepared: Prepared = _SHUT) -> None:
        self.grant = grant
        self.is_wide = is_wide
        self.prepared = prepared

    def shut(self) -> None:
        """Let every use go the slow way."""
        self.prepared = _SHUT


_NOWHERE: Final = Door(None, False)


class Gate:
    """A context manager, plain and asynchronous; it can be entered again and from several threads.

    The body's own exceptions pass through it unchanged. ``door`` is one that the use is known to fit, as long as it
    is the door of the grant in force; else it is shut.

    Raises:
        CapabilityDenied: on entering, where the use is not allowed.
    """

    __slots__ = ("_admit", "capability", "door", "use")

    def __init__(self, admit: Admit, capability: str, use: Use) -> None:
        self._admit = admit
        self.capability = capability
        self.use = use
        self.door = _NOWHERE

    def __enter__(self) -> Granted:
        # As `Prepared.enter`, written out: this is the path of every use.
        prepared = self.door.prepared
        granted = prepared.granted
        if granted is not None and prepared.since <= prepared.boottime() < prepared.until:
            if prepared.block is None:
                return granted
            try:
                prepared.block.take()
            except IndexError:
                return self._admit(self)
            return granted
        return self._admit(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave; what the body raised goes on."""

    async def __aenter__(self) -> Granted:
        # The slow way may wait for the disk, and the product's loop must not.
        granted = self.door.prepared.enter()
        if granted is not None:
            return granted
        # Whoever comes here has loaded it; for a product without a loop it would be a good part of the agent's start.
        import asyncio

        return await asyncio.to_thread(self._admit, self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Leave; what the body raised goes on."""


# The slow way: evaluates one use, and raises CapabilityDenied.
Admit: TypeAlias = Callable[[Gate], Granted]
