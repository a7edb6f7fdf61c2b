"""The outbox: one document, built once, sent until a signed answer for exactly it arrives."""

from __future__ import annotations

import multiprocessing
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from device_agent import journal, outbox
from device_agent.attestation import SoftwareAttester
from device_agent.errors import StoreUnreadable
from device_agent.outbox import Outgoing, Settled, Surroundings
from device_agent.store import Connection, Store
from device_agent.trusted_state import Created, State, Subject, take_entitlement, take_receipt, take_status_list
from device_agent.trusted_state.receipt import HeldReceipt
from licensing_protocol import evidence as evidences
from licensing_protocol import token
from licensing_protocol.canonical import to_base64url
from licensing_protocol.errors import InterlockError
from licensing_protocol.evidence import Evidence, Usage
from licensing_protocol.journal import MAX_EVENT_BYTES, EventType, first_head, follow
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.manifest import Manifest
from licensing_protocol.measurement import Measurement
from licensing_protocol.token import TokenType
from tests.simulators.clock import SettableClock
from tests.simulators.exporter import CAPABILITY, ISSUED, URI, SimulatedExporter
from tests.simulators.memory import memory

SURROUNDINGS = Surroundings("vendor", "x86_64")


@dataclass
class Device:
    """An enrolled device with its store in memory."""

    exporter: SimulatedExporter = field(default_factory=SimulatedExporter)
    clock: SettableClock = field(default_factory=lambda: SettableClock(ISSUED + 10.0))
    connection: Connection = field(default_factory=memory)
    signer: SoftwareSigner = field(default_factory=SoftwareSigner.generate)

    def __post_init__(self) -> None:
        self.subject = self.exporter.subject(self.signer.key)
        self.state = self.exporter.provision(self.connection, self.subject, self.signer, self.clock.read())
        self.first = HeldReceipt.read(
            self.exporter.receipt(self.subject, "A" * 43, first_head(self.subject.key), 0), self.subject
        )
        self.state = take_receipt(self.connection, self.state, self.first, Created("before", 0), self.clock.read())

    def build(self) -> Outgoing:
        return outbox.build(self.connection, self.state, self.signer, SURROUNDINGS, self.clock.read())

    def evidence(self) -> Evidence:
        return evidences.verify(self.build().text, self.signer.key)

    def note(self, **data: Any) -> None:
        bounds = self.state.time.bounds(self.clock.read())
        journal.append(self.connection, "vendor.event", data, bounds, self.clock.read().boot)

    def receipt_for(self, outgoing: Outgoing, **changes: Any) -> str:
        return self.exporter.receipt(self.subject, outgoing.identity, outgoing.head, outgoing.last, **changes)

    def settle(self, text: str, sent: str | None = None) -> Settled:
        settled = outbox.settle_receipt(self.connection, self.state, text, self.clock.read(), sent=sent)
        self.state = settled.state
        return settled

    def refuse(self, text: str, sent: str | None = None) -> Settled:
        settled = outbox.settle_refusal(self.connection, self.state, text, self.clock.read(), sent=sent)
        self.state = settled.state
        return settled

    def types(self) -> list[str]:
        return [event.type for event in journal.unreceipted(self.connection) if event.type != EventType.AGENT_STARTED]


@pytest.fixture
def device() -> Device:
    return Device()


def test_evidence_says_what_is_known(device: Device) -> None:
    reading = device.clock.read()
    entitlement = device.exporter.entitlement(device.subject, 5)
    device.state = take_entitlement(device.connection, device.state, entitlement, reading).state
    device.state = take_status_list(device.connection, device.state, URI, device.exporter.status_list(9), reading).state
    device.connection.execute("INSERT INTO component VALUES ('rules', ?, '[]')", (b"r" * 32,))
    device.connection.execute(f"INSERT INTO usage VALUES ('{CAPABILITY}', 4, 2), ('av.record', 0, 0)")
    device.note(number=1)
    evidence = device.evidence()
    events = list(journal.unreceipted(device.connection))
    assert evidence.events == tuple(events)
    assert (evidence.first, evidence.last) == (1, len(events))
    assert evidence.head == follow(first_head(device.subject.key), 1, events)
    assert evidence.parent == device.first.document.ratchet
    assert evidence.nonces == (_base64url(device.first.document.nonce),)
    assert evidence.measurements == (Measurement("rules", b"r" * 32),)
    assert evidence.usage == {CAPABILITY: Usage(4, 2)}
    assert evidence.status == {URI: 9}
    assert device.state.entitlement is not None
    assert evidence.entitlement == (device.state.entitlement.id, 5)
    assert (evidence.device, evidence.manifest) == (device.subject.device, device.subject.manifest.identity)
    assert evidence.clock == device.state.time.bounds(reading)
    platform = evidence.platform
    assert (platform.product, platform.release, platform.boot_count, platform.uptime) == ("camera", "1.0", 1, 100)


def test_the_same_document_is_under_way_until_it_is_answered(device: Device) -> None:
    device.note(number=1)
    first = device.build()
    device.note(number=2)
    device.clock.pass_time(1000)
    assert device.build() == first
    device.state = State.begin(device.connection, device.subject, device.clock.reboot(5))
    assert device.build() == first
    assert first.receipt == device.first.text


def test_a_receipt_lets_go_of_what_it_covers_and_gives_the_next_parent(device: Device) -> None:
    device.connection.execute(f"INSERT INTO usage VALUES ('{CAPABILITY}', 4, 2)")
    device.note(number=1)
    sent = device.build()
    device.note(number=2)
    device.connection.execute("UPDATE usage SET uses = uses + 3")
    text = device.receipt_for(sent)
    assert device.settle(text).done
    (left,) = journal.unreceipted(device.connection)
    assert left.data == {"number": 2}
    following = device.evidence()
    assert following.parent == HeldReceipt.read(text, device.subject).document.ratchet
    assert (following.first, following.events) == (sent.last + 1, (left,))
    assert following.head == follow(sent.head, sent.last + 1, [left])
    assert following.usage == {CAPABILITY: Usage(3, 0)}
    assert device.build().receipt == text


def test_a_receipt_of_this_boot_bounds_time_from_above(device: Device) -> None:
    sent = device.build()
    device.clock.pass_time(4)
    device.settle(device.receipt_for(sent, issued_at=ISSUED + 50))
    assert device.state.time.bounds(device.clock.read()).upper == ISSUED + 54
    device.state = State.begin(device.connection, device.subject, device.clock.read())
    sent = device.build()
    device.state = State.begin(device.connection, device.subject, device.clock.reboot(5))
    device.settle(device.receipt_for(sent, issued_at=ISSUED + 90))
    bounds = device.state.time.bounds(device.clock.read())
    assert (bounds.upper, bounds.lower >= ISSUED + 90) == (None, True)


def _another_identity(device: Device, sent: Outgoing) -> str:
    return device.exporter.receipt(device.subject, "B" * 42 + "A", sent.head, sent.last)


def _another_head(device: Device, sent: Outgoing) -> str:
    return device.exporter.receipt(device.subject, sent.identity, bytes(32), sent.last)


def _more_events(device: Device, sent: Outgoing) -> str:
    return device.exporter.receipt(device.subject, sent.identity, sent.head, sent.last + 1)


@pytest.mark.parametrize("make", [_another_identity, _another_head, _more_events])
def test_a_receipt_for_anything_else_is_ignored_and_journalled(
    device: Device, make: Callable[[Device, Outgoing], str]
) -> None:
    device.note(number=1)
    sent = device.build()
    before = list(journal.unreceipted(device.connection))
    assert not device.settle(make(device, sent)).done
    assert device.build() == sent
    assert list(journal.unreceipted(device.connection))[: len(before)] == before
    assert device.types() == ["vendor.event", "receipt.ignored"]
    assert device.state.receipt == device.first.document


def test_a_receipt_without_anything_under_way_is_ignored_and_journalled(device: Device) -> None:
    text = device.exporter.receipt(device.subject, "B" * 42 + "A", bytes(32), 1)
    assert not device.settle(text).done
    assert device.types() == ["receipt.ignored"]


def test_the_answer_that_another_process_took_first_is_no_anomaly(device: Device) -> None:
    first = device.build()
    receipt = device.receipt_for(first)
    assert device.settle(receipt).done
    assert device.settle(receipt, first.identity).done
    second = device.build()
    assert device.settle(receipt, first.identity).done
    refusal = device.exporter.refusal(device.subject, second.identity)
    assert device.refuse(refusal).done
    third = device.build()
    assert device.refuse(refusal, second.identity).refused == "evidence.fork"
    assert device.build() == third
    assert device.types() == ["evidence.refused"]


def test_an_answer_that_comes_again_unasked_is_ignored_and_journalled(device: Device) -> None:
    sent = device.build()
    receipt = device.receipt_for(sent)
    device.settle(receipt)
    following = device.build()
    assert not device.settle(receipt, following.identity).done
    assert device.build() == following
    assert device.types() == ["receipt.ignored"]


def test_what_is_not_signed_by_the_exporter_for_this_device_settles_nothing(device: Device) -> None:
    sent = device.build()
    stranger = Subject.of(device.subject.manifest, SoftwareSigner.generate().key)
    for text in (
        SimulatedExporter().receipt(device.subject, sent.identity, sent.head, sent.last),
        device.exporter.receipt(stranger, sent.identity, sent.head, sent.last),
        device.receipt_for(sent, issuer="another"),
        device.exporter.refusal(device.subject, sent.identity),
        "rubbish",
    ):
        with pytest.raises(InterlockError):
            device.settle(text)
    with pytest.raises(InterlockError):
        device.refuse(SimulatedExporter().refusal(device.subject, sent.identity))
    assert device.build() == sent
    assert device.types() == []


def test_a_signed_refusal_consumes_the_parent_and_covers_nothing(device: Device) -> None:
    device.connection.execute(f"INSERT INTO usage VALUES ('{CAPABILITY}', 4, 2)")
    device.note(number=1)
    sent = device.build()
    ratchet, nonce = secrets.token_bytes(32), secrets.token_bytes(32)
    text = device.exporter.refusal(device.subject, sent.identity, ratchet=ratchet, nonce=nonce)
    settled = device.refuse(text)
    assert (settled.done, settled.refused) == (True, "evidence.fork")
    assert device.types() == ["vendor.event", "evidence.refused"]
    outgoing = device.build()
    assert (outgoing.receipt, outgoing.refusal) == (device.first.text, text)
    following = device.evidence()
    assert (following.parent, following.nonces, following.first) == (ratchet, (_base64url(nonce),), 1)
    assert following.usage == {CAPABILITY: Usage(4, 2)}
    assert device.build().receipt == device.first.text
    assert device.state.time.bounds(device.clock.read()).upper is None


def test_a_refusal_is_shown_until_the_next_receipt(device: Device) -> None:
    refusal = device.exporter.refusal(device.subject, device.build().identity)
    device.refuse(refusal)
    for shown in (refusal, None):
        outgoing = device.build()
        assert outgoing.refusal == shown
        assert device.settle(device.receipt_for(outgoing)).done


def test_a_refusal_for_anything_else_is_ignored_and_journalled(device: Device) -> None:
    sent = device.build()
    assert not device.refuse(device.exporter.refusal(device.subject, "B" * 42 + "A")).done
    assert device.build() == sent
    assert device.types() == ["receipt.ignored"]


@pytest.mark.parametrize("size", [10, 400, MAX_EVENT_BYTES - 200])
def test_the_longest_prefix_of_events_that_fits_goes_and_the_rest_follows(device: Device, size: int) -> None:
    device.connection.executemany(
        "INSERT INTO component VALUES (?, ?, '[]')", [(f"component {number}", b"r" * 32) for number in range(20)]
    )
    for number in range(150_000 // (size + 100)):
        device.note(number=number, text="x" * size)
    everything = list(journal.unreceipted(device.connection))
    limit = token.size_limit(TokenType.EVIDENCE)
    carried = 0
    while carried < len(everything):
        evidence, sent = device.evidence(), device.build()
        assert evidence.events == tuple(everything[carried : carried + len(evidence.events)])
        carried += len(evidence.events)
        assert len(sent.text) <= limit
        if carried < len(everything):
            assert len(sent.text) > limit - 500 - 4 * (size + 150) // 3
        assert device.settle(device.receipt_for(sent)).done
    assert list(journal.unreceipted(device.connection)) == []


def test_usage_that_does_not_fit_goes_with_the_next(device: Device) -> None:
    names = [f"vendor.capability_{number:04}" for number in range(250)]
    device.connection.executemany("INSERT INTO usage VALUES (?, 1, 0)", [(name,) for name in names])
    seen: list[str] = []
    for _ in range(3):
        seen += device.evidence().usage
        device.settle(device.receipt_for(device.build()))
    assert seen == names


def test_a_device_that_is_not_enrolled_has_nothing_to_continue(device: Device) -> None:
    device.connection.execute("DELETE FROM fact WHERE name IN ('ratchet', 'nonce')")
    with pytest.raises(StoreUnreadable):
        device.build()


def _base64url(data: bytes) -> str:
    return to_base64url(data)


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, Manifest]:
    """The folder of an enrolled device, for several processes."""
    exporter = SimulatedExporter()
    signer = SoftwareAttester.open(tmp_path).signer()
    subject = exporter.subject(signer.key)
    store, clock = Store.open(tmp_path), SettableClock(ISSUED + 10.0)
    text = exporter.receipt(subject, "A" * 43, first_head(subject.key), 0)
    with store.write() as connection:
        state = exporter.provision(connection, subject, signer, clock.read())
        take_receipt(connection, state, HeldReceipt.read(text, subject), Created("before", 0), clock.read())
    store.close()
    return tmp_path, subject.manifest


def _build_at_once(folder: Path, manifest: Manifest, number: int, start: Any, answers: Any) -> None:
    store, signer = Store.open(folder), SoftwareAttester.open(folder).signer()
    subject, reading = Subject.of(manifest, signer.key), SettableClock(ISSUED + 10.0).read()
    start.wait(20)
    with store.write() as connection:
        state = State.load(connection, subject)
        journal.append(connection, "vendor.event", {"number": number}, state.time.bounds(reading), reading.boot)
        sent = outbox.build(connection, state, signer, SURROUNDINGS, reading)
    answers.put(sent.text)
    store.close()


def test_four_processes_that_report_at_once_build_one(folder: tuple[Path, Manifest]) -> None:
    context = multiprocessing.get_context("fork")
    start, answers = context.Barrier(4), context.Queue()
    arguments = [(*folder, number, start, answers) for number in range(4)]
    workers = [context.Process(target=_build_at_once, args=args) for args in arguments]
    for worker in workers:
        worker.start()
    texts = {answers.get(timeout=30) for _ in workers}
    for worker in workers:
        worker.join(30)
    assert len(texts) == 1


def _make_key(folder: Path, start: Any, answers: Any) -> None:
    start.wait(20)
    answers.put(SoftwareAttester.open(folder).signer().key.thumbprint)


def test_four_processes_that_begin_at_once_make_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start, answers = context.Barrier(4), context.Queue()
    workers = [context.Process(target=_make_key, args=(tmp_path / "new", start, answers)) for _ in range(4)]
    for worker in workers:
        worker.start()
    assert len({answers.get(timeout=30) for _ in workers}) == 1
    for worker in workers:
        worker.join(30)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["device.key"]
    assert (tmp_path / "new" / "device.key").stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_is_an_unreadable_store(tmp_path: Path) -> None:
    (tmp_path / "device.key").write_text("no key")
    with pytest.raises(StoreUnreadable):
        SoftwareAttester.open(tmp_path)
