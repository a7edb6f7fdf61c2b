"""What the device believes, held in memory and kept in step with the clocks and with other processes.

Every answer rests on a look that is at most :data:`LOOK_S` old: whether another process has taken in documents, whether
the journal has room, and whether the clocks still agree with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Final

from device_agent import journal
from device_agent.clock import Clock, Reading
from device_agent.errors import StoreError, StoreUnreadable
from device_agent.forking import LOG
from device_agent.store import Connection, Store, facts
from device_agent.trusted_state import State, Subject
from licensing_protocol.manifest import Manifest
from licensing_protocol.time_bounds import TimeBounds

LOOK_S: Final = 0.1
# Less than this is the jitter of reading two clocks one after the other; a clock that was set moves further.
_CLOCK_JITTER_S: Final = 0.05
# How long the latest schedule that a wall clock granted may be in memory only.
_SCHEDULE_KEPT_S: Final = 60


def as_store_error(error: Exception) -> StoreError:
    """Return what an error while using the store amounts to: content that nobody expected is a damaged store.

    It denies, and is logged; it never reaches the product.
    """
    if isinstance(error, StoreError):
        return error
    LOG.error("The agent's store holds what it cannot use.", exc_info=error)
    return StoreUnreadable("its content is damaged")


class Beliefs:
    """The newest :class:`State`, or the reason why there is none. One thread at a time."""

    def __init__(self, store: Store, manifest: Manifest, clock: Clock, subject: Callable[[], Subject]) -> None:
        self.store = store
        self.manifest = manifest
        self.clock = clock
        self.problem: StoreError | None = None
        self.journal_is_full = False
        self._subject = subject
        self._state: State | None = None
        self._offset = 0.0
        self._schedule_kept = 0

    @property
    def state(self) -> State:
        """The newest state.

        Raises:
            StoreError: there is none.
        """
        if self.problem is not None:
            raise self.problem
        if self._state is None:
            raise StoreUnreadable("it was never begun")
        return self._state

    @property
    def start(self) -> str:
        """In which start of the device this is: only within one does the time since start say how old anything is."""
        return "" if self._state is None else self._state.time.start

    def bounds(self, reading: Reading) -> TimeBounds:
        """Return what is known of the time at the moment of ``reading``; StoreError as :attr:`state`."""
        return self.state.time.bounds(reading)

    def look(self, reading: Reading) -> bool:
        """Take one look, and tell whether what was answered before may be answered otherwise now."""
        before, was_full = None if self.problem is not None else self._state, self.journal_is_full
        try:
            self._state = self._seen(reading)
            self.problem = None
        except Exception as error:
            self.problem = as_store_error(error)
        return self._differs(before, reading) or self.journal_is_full != was_full

    @contextmanager
    def renewed(self, reading: Reading) -> Iterator[tuple[Connection, bool]]:
        """Give a ``store.write()`` in which the state is the newest there is, and tell what :meth:`look` tells.

        What was learnt is forgotten again where the transaction fails.

        Raises:
            StoreError: the store cannot serve, or what the block has to write has no room.
        """
        before = self.state
        try:
            with self.store.write() as connection:
                due = before.time.due(reading)
                self._state = self._observed(connection, before) if due else self._load(connection, before)
                yield connection, self._differs(before, reading)
        except BaseException:
            self._state = before
            raise

    def grant_schedule(self, reading: Reading, connection: Connection | None) -> None:
        """Remember, also over a restart, that the wall clock of this moment granted a schedule (protocol §5).

        ``connection`` is that of the ``store.write()`` inside which this happens, if any.

        Raises:
            StoreError: it could not be remembered, so it must not be granted.
        """
        state = self.state
        granted = replace(state, time=state.time.grant_schedule(reading))
        latest = granted.time.wall.granted or 0
        if not self._schedule_kept <= latest < self._schedule_kept + _SCHEDULE_KEPT_S:
            with self.store.write() if connection is None else nullcontext(connection) as writing:
                granted = self._observed(writing, granted)
            self._schedule_kept = latest
        self._state = granted

    def _seen(self, reading: Reading) -> State:
        if self._state is None:
            return self._begin()
        with self.store.read() as connection:
            self.journal_is_full = journal.Chain.read(connection).is_full
            changed = facts.revision(connection) != self._state.revision
            state = self._load(connection, self._state) if changed else self._state
        if state.time.due(reading):
            with self.store.write() as connection:
                return self._observed(connection, state)
        time, _ = state.time.observe(reading)
        return replace(state, time=time)

    def _begin(self) -> State:
        subject = self._subject()
        with self.store.write() as connection:
            return State.begin(connection, subject, self.clock.read())

    def _observed(self, connection: Connection, known: State) -> State:
        # Read anew, now that no other process can record a later reading: one that was taken before waiting for the
        # store would look as if BOOTTIME had gone back.
        return known.observe(connection, self.clock.read())

    def _load(self, connection: Connection, known: State) -> State:
        return State.load(connection, known.subject, known)

    def _differs(self, before: State | None, reading: Reading) -> bool:
        # Held against the offset that answers rest on, not against the last: a clock may be moved in small steps.
        offset = reading.wall - reading.boottime
        is_moved = abs(offset - self._offset) > _CLOCK_JITTER_S
        if is_moved:
            self._offset = offset
        if self.problem is not None or before is None or self._state is None:
            return True
        time, earlier = self._state.time, before.time
        return (
            self._state.revision != before.revision
            or (time.wall.epoch, time.wall.lost, time.upper) != (earlier.wall.epoch, earlier.wall.lost, earlier.upper)
            or is_moved
        )
