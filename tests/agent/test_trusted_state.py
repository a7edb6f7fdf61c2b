"""Documents taken in: what is believed, what is refused and journalled, and what comes back from the store."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import pytest

from device_agent import journal
from device_agent.errors import StoreUnreadable
from device_agent.store import Connection
from device_agent.trusted_state import (
    Created,
    State,
    Subject,
    Taken,
    records,
    take_entitlement,
    take_receipt,
    take_status_list,
    take_trust,
)
from device_agent.trusted_state.receipt import HeldReceipt
from licensing_protocol.canonical import JsonObject
from licensing_protocol.decision import Contact
from licensing_protocol.exchange import TrustUpdate
from licensing_protocol.journal import EventType
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.status_list import Status
from licensing_protocol.trust import Delegation
from tests.simulators.clock import SettableClock
from tests.simulators.exporter import CAPABILITY, ISSUED, URI, SimulatedExporter, grant
from tests.simulators.memory import memory


@dataclass
class Device:
    """A device that takes documents, with its store in memory."""

    exporter: SimulatedExporter = field(default_factory=SimulatedExporter)
    clock: SettableClock = field(default_factory=lambda: SettableClock(ISSUED + 10.0))
    connection: Connection = field(default_factory=memory)

    def __post_init__(self) -> None:
        self.signer = SoftwareSigner.generate()
        self.subject = self.exporter.subject(self.signer.key)
        self.state = self.exporter.provision(self.connection, self.subject, self.signer, self.clock.read())

    def entitle(self, text: str) -> Taken:
        taken = take_entitlement(self.connection, self.state, text, self.clock.read())
        self.state = taken.state
        return taken

    def fetch(self, text: str, uri: str = URI) -> Taken:
        taken = take_status_list(self.connection, self.state, uri, text, self.clock.read())
        self.state = taken.state
        return taken

    def trust(self, update: TrustUpdate) -> Taken:
        taken = take_trust(self.connection, self.state, update, self.signer, self.clock.read())
        self.state, self.subject = taken.state, taken.state.subject
        return taken

    def receive(self, **changes: int) -> None:
        text = self.exporter.receipt(self.subject, "A" * 43, bytes(32), 0, **changes)
        receipt = HeldReceipt.read(text, self.subject)
        self.state = take_receipt(self.connection, self.state, receipt, Created("another", 0), self.clock.read())

    def reloaded(self) -> State:
        return State.load(self.connection, self.subject)

    def events(self) -> list[tuple[str, JsonObject]]:
        events = journal.unreceipted(self.connection)
        return [(event.type, event.data) for event in events if event.type != EventType.AGENT_STARTED]


@pytest.fixture
def device() -> Device:
    return Device()


def code(taken: Taken) -> str | None:
    return None if taken.problem is None else taken.problem.code


def test_a_device_begins_with_nothing(device: Device) -> None:
    assert (device.state.entitlement, device.state.lists, device.state.receipt) == (None, {}, None)
    assert device.state.subject.device == device.reloaded().subject.device


def test_what_was_taken_comes_back_from_the_store(device: Device) -> None:
    assert device.entitle(device.exporter.entitlement(device.subject, 5)).changed
    assert device.fetch(device.exporter.status_list(9, {0: Status.SUSPENDED})).changed
    device.receive(issued_at=ISSUED + 3)
    assert device.reloaded() == device.state
    assert device.state.entitlement is not None
    grant = device.state.entitlement.grants[CAPABILITY]
    assert device.state.contact(grant) == Contact(Status.SUSPENDED, ISSUED, ISSUED + 3)
    assert [type for type, _ in device.events()] == ["entitlement.accepted"]


def test_the_same_document_again_changes_nothing(device: Device) -> None:
    entitlement, status_list = device.exporter.entitlement(device.subject, 5), device.exporter.status_list(9)
    device.entitle(entitlement)
    device.fetch(status_list)
    before = device.state
    assert not device.entitle(entitlement).changed
    assert not device.fetch(status_list).changed
    assert device.state == before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iss": "another"}, "entitlement.issuer"),
        ({"sub": "another"}, "entitlement.device"),
        ({"cnf": {"jkt": "B" * 42 + "A"}}, "entitlement.device"),
        ({"product": "drone"}, "entitlement.product"),
        ({"grants": {"safety.tamper_alarm": grant()}}, "entitlement.safety"),
        ({"surprise": 1}, "field.unknown"),
    ],
)
def test_an_entitlement_that_is_not_for_this_device_is_refused_and_journalled(
    device: Device, changes: JsonObject, expected: str
) -> None:
    assert code(device.entitle(device.exporter.entitlement(device.subject, 5, **changes))) == expected
    assert device.state.entitlement is None
    ((type, data),) = device.events()
    assert (type, data["code"]) == ("entitlement.refused", expected)


@pytest.mark.parametrize("text", ["", "a.b.c", "é.é.é", "..", "x" * 2_000_000])
def test_rubbish_is_refused_and_journalled(device: Device, text: str) -> None:
    assert device.entitle(text).problem is not None
    assert device.fetch(text).problem is not None
    assert [type for type, _ in device.events()] == ["entitlement.refused", "status_list.refused"]


def test_a_forger_cannot_fill_the_journal(device: Device) -> None:
    for version in range(50):
        assert code(device.entitle(SimulatedExporter().entitlement(device.subject, version + 1))) == "trust.unknown_key"
    ((_, data),) = device.events()
    assert (data["code"], data["count"]) == ("trust.unknown_key", 50)


def test_an_older_entitlement_is_refused_and_reported_even_after_a_restart(device: Device) -> None:
    old = device.exporter.entitlement(device.subject, 4)
    device.entitle(old)
    device.entitle(device.exporter.entitlement(device.subject, 5))
    device.state = State.begin(device.connection, device.subject, device.clock.reboot())
    taken = device.entitle(old)
    assert code(taken) == "continuity.rolled_back"
    assert device.state.entitlement is not None
    assert device.state.entitlement.version == 5
    assert device.events()[-1][1]["code"] == "continuity.rolled_back"
    assert "identity" in device.events()[-1][1]


def test_of_two_entitlements_with_one_number_the_first_is_obeyed_and_both_are_kept(device: Device) -> None:
    first = device.exporter.entitlement(device.subject, 5)
    second = device.exporter.entitlement(device.subject, 5, grants={"av.record": grant()})
    device.entitle(first)
    for _ in range(3):
        assert code(device.entitle(second)) == "continuity.equivocation"
    assert device.state.entitlement is not None
    assert set(device.state.entitlement.grants) == {CAPABILITY}
    kept = records.documents(device.connection, records.Kind.ENTITLEMENT)
    contradictions = records.documents(device.connection, records.Kind.EQUIVOCATION)
    assert [document.text for document in (*kept, *contradictions)] == [first, second]
    assert device.events()[-1] == (
        "entitlement.refused",
        {"code": "continuity.equivocation", "count": 3, "identity": contradictions[0].identity, "until": ISSUED},
    )


def test_contradictions_are_kept_up_to_a_bound(device: Device) -> None:
    for _ in range(20):
        device.entitle(device.exporter.entitlement(device.subject, 5))
    assert len(records.documents(device.connection, records.Kind.EQUIVOCATION)) == 16


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sequence": 8}, "continuity.rolled_back"),
        ({"sequence": 9, "ttl": 17}, "continuity.equivocation"),
        ({"sequence": 10, "uri": URI + "0"}, "status_list.uri"),
        ({"sequence": 10, "issuer": "another"}, "document.issuer"),
        ({"sequence": 10, "expires": ISSUED}, "status_list.expired"),
    ],
)
def test_status_lists_that_are_refused_and_journalled(device: Device, changes: JsonObject, expected: str) -> None:
    device.entitle(device.exporter.entitlement(device.subject, 5))
    device.fetch(device.exporter.status_list(9))
    assert code(device.fetch(device.exporter.status_list(**changes))) == expected
    assert device.state.lists[URI].sequence == 9
    assert device.events()[-1][0] == "status_list.refused"
    assert device.events()[-1][1]["code"] == expected


def test_a_list_that_is_let_go_leaves_its_mark(device: Device) -> None:
    other = "https://exporter.example/v1/status/2"
    device.entitle(device.exporter.entitlement(device.subject, 5))
    device.fetch(device.exporter.status_list(9))
    device.entitle(device.exporter.entitlement(device.subject, 6, grants={CAPABILITY: grant(uri=other)}))
    assert device.state.shards == frozenset({other})
    assert device.state.lists == device.reloaded().lists == {}
    device.entitle(device.exporter.entitlement(device.subject, 7))
    assert code(device.fetch(device.exporter.status_list(8))) == "continuity.rolled_back"


def test_a_revoked_grant_is_seen(device: Device) -> None:
    device.entitle(device.exporter.entitlement(device.subject, 5, grants={CAPABILITY: grant(7), "av.record": grant(8)}))
    device.fetch(device.exporter.status_list(9, {7: Status.INVALID, 8: Status.SUSPENDED}))
    assert device.state.invalid == frozenset({CAPABILITY})


def test_without_a_list_a_grant_has_no_status(device: Device) -> None:
    device.entitle(device.exporter.entitlement(device.subject, 5))
    assert device.state.entitlement is not None
    assert device.state.contact(device.state.entitlement.grants[CAPABILITY]) == Contact(None, 0, 0)


def test_what_a_removed_key_signed_counts_no_more_and_neither_do_its_marks(device: Device) -> None:
    device.entitle(device.exporter.entitlement(device.subject, 4_000_000_000))
    device.fetch(device.exporter.status_list(4_000_000_000))
    device.receive()
    for delegation in (Delegation.ENTITLEMENT, Delegation.STATUS, Delegation.RECEIPT):
        device.exporter.replace_key(delegation)
    device.trust(TrustUpdate(targets=device.exporter.targets()))
    assert device.state.enrolled
    assert (device.state.entitlement, device.state.lists, device.state.receipt) == (None, {}, None)
    assert code(device.entitle(device.exporter.entitlement(device.subject, 5))) is None
    assert code(device.fetch(device.exporter.status_list(9))) is None


def test_a_document_altered_in_the_store_is_not_believed(device: Device) -> None:
    device.entitle(device.exporter.entitlement(device.subject, 5))
    device.connection.execute("UPDATE document SET text = replace(text, '.', '.e')")
    assert device.reloaded().entitlement is None


def test_a_store_whose_clock_was_removed_does_not_begin_time_anew(device: Device) -> None:
    device.receive(issued_at=ISSUED + 3)
    device.connection.execute("DELETE FROM clock")
    with pytest.raises(StoreUnreadable):
        State.begin(device.connection, device.subject, device.clock.read())


def test_other_processes_see_what_one_took(device: Device) -> None:
    other = device.reloaded()
    device.entitle(device.exporter.entitlement(device.subject, 5))
    seen = State.load(device.connection, device.subject, other)
    assert seen == device.state
    assert State.load(device.connection, device.subject, seen) == seen


def test_a_store_belongs_to_one_key(device: Device) -> None:
    stranger = Subject.of(device.subject.manifest, SoftwareSigner.generate().key)
    with pytest.raises(StoreUnreadable):
        State.begin(device.connection, stranger, device.clock.read())


def test_a_store_that_was_never_begun_cannot_be_loaded() -> None:
    subject = Subject.of(SimulatedExporter().manifest(), SoftwareSigner.generate().key)
    with pytest.raises(StoreUnreadable):
        State.load(memory(), subject)


def test_a_receipt_for_another_device_is_none(device: Device) -> None:
    other = Subject.of(device.subject.manifest, SoftwareSigner.generate().key)
    text = device.exporter.receipt(other, "A" * 43, secrets.token_bytes(32), 0)
    with pytest.raises(Exception, match="another device"):
        HeldReceipt.read(text, device.subject)
