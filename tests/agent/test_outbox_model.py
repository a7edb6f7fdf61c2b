"""Whatever is lost, repeated, refused or cut off: each event arrives once and in order, and no parent is used twice."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent import journal, outbox
from device_agent.outbox import Outgoing, Surroundings
from device_agent.store import Connection
from device_agent.trusted_state import Created, State, take_receipt
from device_agent.trusted_state.receipt import HeldReceipt
from licensing_protocol import evidence as evidences
from licensing_protocol.canonical import JsonObject
from licensing_protocol.journal import Event, EventType, first_head, follow
from licensing_protocol.keys import SoftwareSigner
from tests.simulators.clock import SettableClock
from tests.simulators.exporter import ISSUED, SimulatedExporter
from tests.simulators.memory import memory

EXPORTER = SimulatedExporter()
SIGNER = SoftwareSigner.generate()
SUBJECT = EXPORTER.subject(SIGNER.key)
DENIAL: JsonObject = {"capability": "av.record", "reason": "schedule.closed"}


class Reply(NamedTuple):
    """One signed answer."""

    refuses: bool
    text: str


@dataclass
class Counter:
    """The exporter's side, stricter than a real one: what that would report is an error here."""

    ratchet: bytes
    events: list[Event] = field(default_factory=list)
    replies: dict[str, Reply] = field(default_factory=dict)

    def answer(self, sent: Outgoing, *, refuse: bool) -> Reply:
        """Take evidence in; the same one again gets the same answer."""
        evidence = evidences.verify(sent.text, SIGNER.key)
        if evidence.identity not in self.replies:
            assert evidence.parent == self.ratchet, "the device forked itself"
            self.ratchet = secrets.token_bytes(32)
            self.replies[evidence.identity] = self._refuse(sent) if refuse else self._accept(sent)
        return self.replies[evidence.identity]

    def _refuse(self, sent: Outgoing) -> Reply:
        return Reply(True, EXPORTER.refusal(SUBJECT, sent.identity, ratchet=self.ratchet))

    def _accept(self, sent: Outgoing) -> Reply:
        evidence = evidences.verify(sent.text, SIGNER.key)
        assert evidence.first == len(self.events) + 1
        self.events += evidence.events
        assert evidence.head == follow(first_head(SUBJECT.key), 1, self.events)
        text = EXPORTER.receipt(SUBJECT, sent.identity, sent.head, sent.last, ratchet=self.ratchet)
        return Reply(False, text)


@dataclass
class Device:
    """The device's side, with its store in memory."""

    connection: Connection = field(default_factory=memory)
    clock: SettableClock = field(default_factory=lambda: SettableClock(ISSUED + 10.0))
    journalled: int = 0
    denied: int = 0
    state: State = field(init=False)

    def __post_init__(self) -> None:
        """Begin enrolled."""
        self.state = EXPORTER.provision(self.connection, SUBJECT, SIGNER, self.clock.reboot(1))
        text = EXPORTER.receipt(SUBJECT, "A" * 43, first_head(SUBJECT.key), 0)
        receipt = HeldReceipt.read(text, SUBJECT)
        self.state = take_receipt(self.connection, self.state, receipt, Created("", 0), self.clock.read())
        self.counter = Counter(receipt.document.ratchet)
        self.heard: list[Reply] = []

    def start(self) -> None:
        """The device starts again."""
        self.state = State.begin(self.connection, SUBJECT, self.clock.reboot(1))

    def note(self, amount: int) -> None:
        """Journal so many events of the product, and one denial."""
        bounds = self.state.time.bounds(self.clock.read())
        for _ in range(amount):
            data = {"number": self.journalled, "text": "x" * 3000}
            journal.append(self.connection, "vendor.event", data, bounds, "boot")
            self.journalled += 1
        journal.append(self.connection, EventType.CAPABILITY_DENIED, DENIAL, bounds, "boot")
        self.denied += 1

    def send(self, *, refuse: bool = False) -> Reply:
        """Let the exporter answer what is under way."""
        sent = outbox.build(self.connection, self.state, SIGNER, Surroundings("v", "m"), self.clock.read())
        reply = self.counter.answer(sent, refuse=refuse)
        self.heard.append(reply)
        return reply

    def take(self, reply: Reply) -> State:
        """Take an answer, and return what is believed then."""
        settle = outbox.settle_refusal if reply.refuses else outbox.settle_receipt
        return settle(self.connection, self.state, reply.text, self.clock.read()).state

    def take_and_lose_power(self, reply: Reply) -> None:
        """Take an answer; the power goes before that is durable."""
        self.connection.execute("BEGIN")
        self.take(reply)
        self.connection.execute("ROLLBACK")
        self.start()


ACTS = st.one_of(
    st.tuples(st.just("note"), st.integers(0, 12)),
    st.tuples(st.sampled_from(["send", "refuse", "lose", "cut off", "start"]), st.just(0)),
    st.tuples(st.just("replay"), st.integers(0, 10)),
)


@settings(deadline=None, max_examples=25)
@given(st.lists(ACTS, max_size=16))
def test_every_event_arrives_once_and_no_parent_is_used_twice(acts: list[tuple[str, int]]) -> None:
    device = Device()
    for act, amount in acts:
        if act == "note":
            device.note(amount)
        elif act in {"send", "refuse"}:
            device.state = device.take(device.send(refuse=act == "refuse"))
        elif act == "lose":
            device.send()
        elif act == "cut off":
            device.take_and_lose_power(device.send())
        elif act == "start":
            device.start()
        elif device.heard:
            device.state = device.take(device.heard[amount % len(device.heard)])
    while list(journal.unreceipted(device.connection)):
        device.state = device.take(device.send())
    events = device.counter.events
    own = [event.data["number"] for event in events if event.type == "vendor.event"]
    assert own == list(range(device.journalled))
    assert sum(event.data["count"] for event in events if event.type == EventType.CAPABILITY_DENIED) == device.denied
    assert journal.Chain.read(device.connection).bytes == 0
