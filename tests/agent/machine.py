"""A device with settable clocks, whose store is in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from device_agent import journal
from device_agent.store import Connection
from device_agent.trusted_state import Created, State, Subject, take_receipt, take_status_list, take_trust
from device_agent.trusted_state.receipt import HeldReceipt
from licensing_protocol.canonical import JsonObject
from licensing_protocol.exchange import TrustUpdate
from licensing_protocol.journal import EventType
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.time_bounds import TimeBounds
from licensing_protocol.trust import Delegation
from tests.simulators.clock import SettableClock
from tests.simulators.exporter import ISSUED, URI, SimulatedExporter
from tests.simulators.memory import memory

EXPORTER = SimulatedExporter()
SIGNER = SoftwareSigner.generate()
SUBJECT = EXPORTER.subject(SIGNER.key)


@dataclass
class Machine:
    """A device with settable clocks, whose store is in memory."""

    clock: SettableClock = field(default_factory=lambda: SettableClock(ISSUED + 1000.0))
    connection: Connection = field(default_factory=memory)
    subject: Subject = SUBJECT
    exporter: SimulatedExporter = field(default_factory=lambda: EXPORTER)
    signer: SoftwareSigner = SIGNER

    def __post_init__(self) -> None:
        self.state = self.exporter.provision(self.connection, self.subject, self.signer, self.clock.read())

    def start(self) -> None:
        """A process begins."""
        self.state = State.begin(self.connection, self.subject, self.clock.read())

    def look(self) -> TimeBounds:
        """Decide something, as the agent does: what is due is recorded first."""
        reading = self.clock.read()
        if self.state.time.due(reading):
            self.state = self.state.observe(self.connection, reading)
        self.state = replace(self.state, time=self.state.time.observe(reading)[0])
        return self.state.time.bounds(reading)

    def grant_schedule(self) -> None:
        """Grant a schedule on the word of the wall clock."""
        reading = self.clock.read()
        granted = replace(self.state, time=self.state.time.grant_schedule(reading))
        self.state = granted.observe(self.connection, reading)

    def report(self) -> Created:
        """Make evidence now."""
        self.look()
        return Created(self.state.time.start, int(self.clock.read().boottime))

    def receive(self, issued_at: int, created: Created) -> TimeBounds:
        """Take a receipt for evidence that was made then."""
        text = self.exporter.receipt(self.subject, "A" * 43, bytes(32), 0, issued_at=issued_at)
        receipt = HeldReceipt.read(text, self.subject)
        self.state = take_receipt(self.connection, self.state, receipt, created, self.clock.read())
        return self.look()

    def fetch(self, issued_at: int, sequence: int) -> None:
        """Take a status list."""
        text = self.exporter.status_list(sequence, issued_at=issued_at, expires=2**40)
        self.state = take_status_list(self.connection, self.state, URI, text, self.clock.read()).state

    def rotate(self) -> None:
        """Give the exporter another key for status lists, and bring the Targets that say so."""
        self.exporter.replace_key(Delegation.STATUS)
        update = TrustUpdate(targets=self.exporter.targets())
        taken = take_trust(self.connection, self.state, update, self.signer, self.clock.read())
        assert taken.changed
        self.state = taken.state

    def events(self) -> list[tuple[str, JsonObject]]:
        """Return what the journal says of the clocks."""
        events = journal.unreceipted(self.connection)
        return [(event.type, event.data) for event in events if event.type != EventType.AGENT_STARTED]

    @property
    def wall_is_believed(self) -> bool:
        return self.look().wall is not None
