"""The newest signed lists in memory, and the requests that wait for a newer one."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_server import accounts
from licensing_server.database import table_of
from licensing_server.problem import NotFound, Problem, not_found
from licensing_server.status_lists.tables import Shard
from licensing_server.web.metrics import WAITING

HungUp: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""Returns once the one who asks has hung up."""


_SHARD = table_of(Shard)
# Written once, because to compose a statement costs more than to run it.
_SHARDS = select(_SHARD.c.id, _SHARD.c.identity, _SHARD.c.retired_at)


@dataclass(frozen=True, slots=True)
class Posted:
    """One signed list as it is sent."""

    identity: str
    text: bytes
    gzipped: bytes

    @property
    def etag(self) -> str:
        """Weak, because the same list is sent plain and gzipped."""
        return f'W/"{self.identity}"'


class Board:
    """What ``GET /v1/status`` answers from: no session and no thread is held while a request waits."""

    def __init__(self, most_waiters: int, most_per_address: int) -> None:
        self._posted: Mapping[int, Posted] = {}
        self._retired: frozenset[int] = frozenset()
        self._restored = False
        self._most = most_waiters
        self._most_per_address = most_per_address
        self._per_address: Counter[str] = Counter()
        self._waiting: dict[asyncio.Event, tuple[asyncio.AbstractEventLoop, int]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def get(self, shard: int) -> Posted | None:
        """Return the newest list of a shard."""
        return self._posted.get(shard)

    def absent(self, shard: int) -> Problem:
        """Say why there is no list of a shard."""
        if shard in self._retired:
            return NotFound("status_list.retired", "Every entitlement that referred to this list has ended.")
        return accounts.restoration_waits() if self._restored else not_found("status_list", str(shard))

    def refresh(self, session: Session) -> None:
        """Take over what was signed since, and wake who waits for it."""
        rows = session.connection().execute(_SHARDS).all()
        newest: dict[int, str] = {row.id: row.identity for row in rows if row.identity}
        self._retired = frozenset(row.id for row in rows if row.retired_at is not None)
        self._restored = accounts.waiting(session) is not None
        changed = {shard for shard, identity in newest.items() if self._identity(shard) != identity}
        gone = self._posted.keys() - newest.keys()
        if changed or gone:
            fresh = {shard: _post(session, shard) for shard in changed}
            self._posted = {shard: fresh.get(shard) or self._posted[shard] for shard in newest}
            self._wake(changed | gone)

    def _identity(self, shard: int) -> str:
        posted = self.get(shard)
        return "" if posted is None else posted.identity

    async def wait(self, shard: int, etag: str, seconds: float, address: str, hung_up: HungUp) -> None:
        """Return when the shard's list is another than ``etag`` names, after ``seconds``, or at once over the cap.

        Also when ``hung_up`` returns: whoever hangs up gives their place to others.
        """
        event = asyncio.Event()
        if not self._begin(event, shard, address):
            return
        try:
            posted = self.get(shard)
            # Looked at after the registration, so that no change falls between.
            if posted is not None and posted.etag == etag:
                await _first_of(seconds, event.wait(), hung_up())
        finally:
            self._end(event, address)

    def close(self) -> None:
        """Let everybody go who waits, and nobody wait any more: the server ends."""
        with self._lock:
            self._closed = True
            waiting = [(event, loop) for event, (loop, _) in self._waiting.items()]
        for event, loop in waiting:
            loop.call_soon_threadsafe(event.set)

    def _begin(self, event: asyncio.Event, shard: int, address: str) -> bool:
        with self._lock:
            if self._closed or len(self._waiting) >= self._most or self._per_address[address] >= self._most_per_address:
                return False
            self._waiting[event] = (asyncio.get_running_loop(), shard)
            self._per_address[address] += 1
            WAITING.set(len(self._waiting))
            return True

    def _end(self, event: asyncio.Event, address: str) -> None:
        with self._lock:
            del self._waiting[event]
            self._per_address[address] -= 1
            if not self._per_address[address]:
                del self._per_address[address]
            WAITING.set(len(self._waiting))

    def _wake(self, shards: set[int]) -> None:
        with self._lock:
            wanted = [(event, loop) for event, (loop, shard) in self._waiting.items() if shard in shards]
        for event, loop in wanted:
            loop.call_soon_threadsafe(event.set)


async def _first_of(seconds: float, *awaited: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.ensure_future(each) for each in awaited]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _post(session: Session, shard: int) -> Posted:
    row = session.execute(select(Shard.identity, Shard.text).where(Shard.id == shard)).one()
    text = row.text.encode("ascii")
    return Posted(row.identity, text, gzip.compress(text, 9, mtime=0))
