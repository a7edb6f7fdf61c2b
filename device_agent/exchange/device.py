"""The device's side of every exchange: its store, its key, its clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from device_agent.clock import Clock, Reading
from device_agent.exchange.report import SyncReport
from device_agent.outbox import Surroundings
from device_agent.store import Connection, Store
from device_agent.trusted_state import State, Subject, take_entitlement
from device_agent.trusted_state.take import keep_notices
from licensing_protocol.exchange import Answer
from licensing_protocol.keys import Signer


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction of an exchange: the connection, what is believed at its beginning, and the time it has."""

    connection: Connection
    state: State
    reading: Reading


class Device:
    """What an exchange works with. What is believed is read from the store for each step; memory only saves parsing."""

    def __init__(
        self, store: Store, subject: Subject, signer: Signer, clock: Clock, surroundings: Surroundings
    ) -> None:
        self.store = store
        self.subject = subject
        self.signer = signer
        self.surroundings = surroundings
        self._clock = clock
        self._known: State | None = None

    @contextmanager
    def writing(self) -> Iterator[Work]:
        """Give one transaction; what it did is durable at the end of the block, or is not there."""
        with self.store.write() as connection:
            yield Work(connection, self._load(connection), self._clock.read())

    def state(self) -> State:
        """Return what the device believes now."""
        with self.store.read() as connection:
            return self._load(connection)

    def _load(self, connection: Connection) -> State:
        self._known = State.load(connection, self.subject, self._known)
        return self._known


def take_rest(work: Work, state: State, answer: Answer, report: SyncReport) -> SyncReport:
    """Take what came beside a receipt or refusal that was for this device: the entitlement, and the notices."""
    state = keep_notices(work.connection, state, answer.notices)
    if answer.entitlement is None:
        return report
    taken = take_entitlement(work.connection, state, answer.entitlement, work.reading)
    if taken.problem is not None:
        return report.with_problem(taken.problem)
    return replace(report, entitlement=report.entitlement or taken.changed)
