"""Orders followed live: no thread and no session is held while a client waits, and one look serves all who follow.

A stream ends after ten minutes; who wants more asks again, and is authenticated again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import anyio.to_thread
from fastapi.sse import format_sse_event

from licensing_server import clock
from licensing_server.orders.schemas import PropagationReply

_LONGEST_S: Final = 600.0
_QUIET_S: Final = 15.0
_SPACING_S: Final = 0.5
_SHARE: Final = 10
"""A look may take at most a tenth of the time: one over a million devices is repeated more rarely."""


@dataclass(frozen=True, slots=True)
class _Look:
    reply: PropagationReply
    commits: int
    at: float
    took: float


class Followers:
    """Everybody who follows an order in this process. ``look`` reads how far an order has come."""

    def __init__(self, most: int, look: Callable[[str], PropagationReply]) -> None:
        self._most = most
        self._look = look
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._looks: dict[str, _Look] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._lock = threading.Lock()
        self._commits = 0
        self._closed = False

    @property
    def has_room(self) -> bool:
        """Whether one more may follow."""
        return not self._closed and len(self._waiting) < self._most

    def wake(self) -> None:
        """Say that something was committed."""
        self._commits += 1
        self._set_all()

    def close(self) -> None:
        """Let everybody go: the server ends."""
        self._closed = True
        self._set_all()

    async def stream(self, order: str) -> AsyncIterator[bytes]:
        """Yield server-sent events: ``propagation`` whenever it changed, a comment where nothing did for a while."""
        event = asyncio.Event()
        if not self._begin(event):
            return
        try:
            told: PropagationReply | None = None
            end = clock.monotonic() + _LONGEST_S
            while not self._closed and clock.monotonic() < end:
                event.clear()
                reply = await self._newest(order)
                yield _event(reply, told)
                told = reply
                await _first(event, _QUIET_S)
        finally:
            self._end(event)

    async def _newest(self, order: str) -> PropagationReply:
        async with self._turns.setdefault(order, asyncio.Lock()):
            held = self._looks.get(order)
            if held is not None:
                age = clock.monotonic() - held.at
                if held.commits == self._commits and age < _QUIET_S:
                    return held.reply
                await asyncio.sleep(max(_SPACING_S, _SHARE * held.took) - age)
            commits, began = self._commits, clock.monotonic()
            reply = await anyio.to_thread.run_sync(self._look, order)
            ended = clock.monotonic()
            self._looks[order] = _Look(reply, commits, ended, ended - began)
            return reply

    def _begin(self, event: asyncio.Event) -> bool:
        with self._lock:
            if not self.has_room:
                return False
            self._waiting[event] = asyncio.get_running_loop()
            return True

    def _end(self, event: asyncio.Event) -> None:
        with self._lock:
            del self._waiting[event]
            if not self._waiting:
                self._looks.clear()
                self._turns.clear()

    def _set_all(self) -> None:
        with self._lock:
            waiting = list(self._waiting.items())
        for event, loop in waiting:
            loop.call_soon_threadsafe(event.set)


async def _first(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _event(reply: PropagationReply, told: PropagationReply | None) -> bytes:
    if told is not None and reply.model_copy(update={"as_of": told.as_of}) == told:
        return format_sse_event(comment="nothing new")
    return format_sse_event(event="propagation", data_str=reply.model_dump_json())
