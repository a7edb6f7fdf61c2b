"""The exchange with a real server in this process, over a network that fails as a test says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from device_agent import journal
from device_agent.attestation import SoftwareAttester
from device_agent.errors import ServerRefused, TransportError
from device_agent.exchange import Device, Exchange, SyncReport
from device_agent.outbox import Surroundings
from device_agent.store import Store
from device_agent.trusted_state import State, Subject
from licensing_protocol import manifest as manifests
from licensing_protocol.canonical import decode_object, encode
from licensing_protocol.errors import InterlockError, MalformedDocument
from licensing_protocol.manifest import Manifest
from licensing_protocol.status_list import Status
from licensing_server import clock as server_clock
from licensing_server.config import Settings
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.simulators.clock import SettableClock
from tests.simulators.transport import (
    Fault,
    SimulatedNetwork,
    answering,
    broken_server,
    captive_portal,
    lost_reply,
    no_network,
    undisturbed,
)


class Camera:
    """A device with its store, its clock and its network."""

    def __init__(self, exporter: Exporter, folder: Path, manifest: Manifest | None = None) -> None:
        self.exporter = exporter
        self.manifest = manifest or product(exporter)
        self.clock = SettableClock(float(server_clock.now()))
        self.network = SimulatedNetwork(exporter.client)
        self.store = Store.open(folder)
        self.signer = SoftwareAttester.open(folder).signer()
        self.subject = Subject.of(self.manifest, self.signer.key)
        with self.store.write() as connection:
            State.begin(connection, self.subject, self.clock.read())
        device = Device(self.store, self.subject, self.signer, self.clock, Surroundings("vendor", "model"))
        self.exchange = Exchange(device, self.network)

    def enrolled(self, plan: dict[str, Any] | None = None) -> Camera:
        """Enrol without fetching lists yet, and let the server catch up."""
        blocked, self.network.blocked = self.network.blocked, lambda request: request.method == "GET"
        self.exchange.enroll(self.exporter.token(plan))
        self.network.blocked = blocked
        self.network.sent.clear()
        self.exporter.settle()
        return self

    @property
    def state(self) -> State:
        with self.store.read() as connection:
            return State.load(connection, self.subject)

    def note(self, **data: Any) -> None:
        with self.store.write() as connection:
            bounds = State.load(connection, self.subject).time.bounds(self.clock.read())
            journal.append(connection, "vendor.event", data, bounds, "boot-1")

    def types(self) -> list[str]:
        with self.store.read() as connection:
            return [event.type for event in journal.unreceipted(connection)]

    def evidence(self) -> Any:
        return self.exporter.get(f"/v1/devices/{self.subject.device}/evidence")["items"]

    def posted(self) -> list[bytes | None]:
        return [request.body for request in self.network.sent if request.method == "POST"]


def product(exporter: Exporter) -> Manifest:
    """Return the manifest that the vendor signed: the same document as the one that the exporter registered."""
    return manifests.verify(exporter.product_manifest("1.0").sign(exporter.vendor), exporter.vendor.key)


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """One server for all tests here: each of them enrols a device of its own."""
    folder = tmp_path_factory.mktemp("exporter")
    exporter = Exporter.begin(Settings(data_dir=folder / "data", public_url="https://exporter.example"))
    yield exporter
    exporter.end()


@pytest.fixture
def camera(exporter: Exporter, tmp_path: Path) -> Iterator[Camera]:
    camera = Camera(exporter, tmp_path / "store")
    yield camera
    camera.store.close()


def codes(report: SyncReport) -> list[str]:
    return [problem.code for problem in report.problems]


def test_enrolment_brings_receipt_entitlement_and_lists(camera: Camera) -> None:
    token = camera.exporter.token()
    report = camera.exchange.enroll(token)
    assert (report.receipts, report.entitlement) == (1, True)
    camera.exporter.settle()
    camera.exchange.sync()
    state = camera.state
    assert state.receipt is not None
    assert state.entitlement is not None
    assert state.entitlement.device == camera.subject.device
    assert state.contact(state.entitlement.grants[CAPABILITY]).status is Status.VALID
    assert not camera.exchange.enroll("another").reached


def test_a_lost_reply_to_an_enrolment_costs_nothing(camera: Camera) -> None:
    token = camera.exporter.token()
    camera.network.faults = [lost_reply, no_network, broken_server, captive_portal]
    for _ in range(4):
        with pytest.raises(TransportError):
            camera.exchange.enroll(token)
        camera.clock.pass_time(100)
    assert camera.state.receipt is None
    assert camera.exchange.enroll(token).reached
    assert len(set(camera.posted())) == 1


def test_two_processes_that_enrol_at_once_are_one_device(camera: Camera, tmp_path: Path) -> None:
    token, other = camera.exporter.token(), Camera(camera.exporter, tmp_path / "store")

    def meanwhile(request: Any, arrive: Any) -> Any:
        assert other.exchange.enroll(token).reached
        return arrive()

    camera.network.faults = [meanwhile]
    camera.exchange.enroll(token)
    assert camera.posted() == other.posted()
    assert camera.exchange.sync().reached
    assert other.exchange.sync().reached
    assert camera.exporter.get(f"/v1/devices/{camera.subject.device}/forks")["items"] == []
    other.store.close()


def test_a_server_says_why_it_does_not_enrol_and_another_token_may_do(camera: Camera) -> None:
    with pytest.raises(ServerRefused) as caught:
        camera.exchange.enroll("enrol_1.wrong")
    assert caught.value.code == "enrolment.token_refused"
    assert camera.exchange.enroll(camera.exporter.token()).reached


def test_a_token_that_another_device_used(camera: Camera, tmp_path: Path) -> None:
    token = camera.exporter.token()
    camera.exchange.enroll(token)
    thief = Camera(camera.exporter, tmp_path / "thief")
    with pytest.raises(ServerRefused) as caught:
        thief.exchange.enroll(token)
    assert caught.value.code == "enrolment.token_used"
    thief.store.close()


@pytest.mark.parametrize("token", ["", "x" * 300])
def test_what_is_no_token(camera: Camera, token: str) -> None:
    with pytest.raises(MalformedDocument):
        camera.exchange.enroll(token)
    assert camera.network.sent == []


def test_events_reach_the_exporter_and_leave_the_device(camera: Camera) -> None:
    camera.note(number=0)
    camera.enrolled()
    camera.note(number=1)
    report = camera.exchange.sync()
    assert (report.receipts, report.unreported, report.problems) == (1, 0, ())
    assert camera.types() == []
    found = camera.exporter.get(f"/v1/devices/{camera.subject.device}/events?type=vendor.event")["items"]
    assert [event["data"] for event in found] == [{"number": 0}, {"number": 1}]
    (evidence,) = camera.evidence()
    assert evidence["appraisal"]["anomalies"] == []


def test_more_events_than_one_document_carries(camera: Camera) -> None:
    camera.enrolled()
    with camera.store.write() as connection:
        bounds = State.load(connection, camera.subject).time.bounds(camera.clock.read())
        for number in range(60):
            journal.append(connection, "vendor.event", {"number": number, "text": "x" * 2000}, bounds, "boot-1")
    camera.network.faults = [undisturbed, no_network]
    report = camera.exchange.sync()
    assert (report.receipts, report.backlog, codes(report)) == (1, True, ["transport.failed"])
    report = camera.exchange.sync()
    assert (report.receipts, report.unreported, report.backlog) == (2, 0, False)
    assert all(evidence["appraisal"]["anomalies"] == [] for evidence in camera.evidence())


@pytest.mark.parametrize(
    "fault",
    [
        lost_reply,
        no_network,
        broken_server,
        captive_portal,
        answering(200, b'{"notices": []}', content_type="application/json"),
        answering(200, b'{"receipt": "a.b.c"}', content_type="application/json"),
        answering(200, b"x" * 3_000_000, content_type="application/json"),
        answering(302, b"", location="https://elsewhere.example/"),
        answering(200, b"{}", content_encoding="br"),
        answering(422, b'{"code": "evidence.fork", "detail": "unsigned"}', content_type="application/problem+json"),
    ],
)
def test_whatever_is_not_signed_is_a_failure_of_the_network(camera: Camera, fault: Fault) -> None:
    camera.enrolled()
    camera.note(number=1)
    before, sent_before = camera.types(), len(camera.posted())
    camera.network.faults = [fault]
    report = camera.exchange.sync()
    assert not report.reached
    assert len(report.problems) == 1
    assert camera.types() == before
    camera.clock.pass_time(1000)
    camera.note(number=2)
    assert camera.exchange.sync().reached
    first, again, *_ = camera.posted()[sent_before:]
    assert first == again
    assert camera.exporter.get(f"/v1/devices/{camera.subject.device}/forks")["items"] == []
    assert camera.types() == []


def test_a_receipt_of_the_past_played_back_is_ignored_and_journalled(camera: Camera) -> None:
    camera.enrolled()
    replies: list[bytes] = []

    def listen(request: Any, arrive: Any) -> Any:
        arriving = arrive()
        replies.append(b"".join(arriving.chunks))
        return dataclasses.replace(arriving, chunks=iter(replies[-1:]))

    camera.network.faults = [listen]
    camera.exchange.sync()
    camera.exchange.sync()
    camera.network.faults = [answering(200, replies[0], content_type="application/json")]
    report = camera.exchange.sync()
    assert (report.reached, codes(report)) == (False, ["transport.other_document"])
    assert camera.types() == ["receipt.ignored"]
    assert camera.exchange.sync().reached
    assert camera.types() == []


def test_servers_are_tried_in_their_order(exporter: Exporter, tmp_path: Path) -> None:
    addresses = tuple(f"https://{name}.example" for name in ("down", "exporter", "spare"))
    text = exporter.product_manifest("2.0", servers=addresses).sign(exporter.vendor)
    exporter.release("2.0", servers=addresses)
    camera = Camera(exporter, tmp_path / "store", manifests.verify(text, exporter.vendor.key))
    camera.network.blocked = lambda request: request.url.startswith("https://down")
    camera.enrolled()
    report = camera.exchange.sync()
    assert (report.reached, report.lists, report.problems) == (True, 1, ())
    assert {request.url.split("/")[2] for request in camera.network.sent} == {"down.example", "exporter.example"}
    camera.store.close()


def test_the_way_back_from_a_revocation(camera: Camera) -> None:
    camera.enrolled()
    camera.exchange.sync()
    order = camera.exporter.order("revoke", scope={"device": camera.subject.device, "capability": CAPABILITY})
    reports = len(camera.evidence())
    report = camera.exchange.sync()
    assert report.invalid == frozenset({CAPABILITY})
    assert len(camera.evidence()) == reports + 2
    (target,) = camera.exporter.get(f"/v1/orders/{order['id']}")["targets"]
    assert target["confirmed_at"] is not None
    assert order["id"] in camera.state.notices[0]
    assert camera.exchange.sync().invalid == frozenset()


def test_seeing_invalid_is_told_to_whoever_only_fetches_lists(camera: Camera) -> None:
    camera.enrolled()
    camera.exchange.sync()
    camera.exporter.order("revoke", scope={"device": camera.subject.device, "capability": CAPABILITY})
    assert camera.exchange.fetch_lists().invalid == frozenset({CAPABILITY})


def test_a_list_that_did_not_change_is_not_sent_again(camera: Camera) -> None:
    camera.enrolled()
    assert camera.exchange.sync().lists == 1
    assert camera.exchange.sync().lists == 0
    *_, first, again = [request.headers for request in camera.network.sent if request.method == "GET"]
    assert "If-None-Match" not in first
    assert again["If-None-Match"]


def test_lists_come_through_where_reports_are_blocked(camera: Camera) -> None:
    camera.enrolled()
    camera.network.blocked = lambda request: request.method == "POST"
    report = camera.exchange.sync()
    assert (report.reached, report.lists, codes(report)) == (False, 1, ["transport.failed"])


def test_an_older_list_played_back_is_refused_and_journalled(camera: Camera) -> None:
    camera.enrolled()
    camera.exchange.sync()
    (uri,) = camera.state.shards
    old = camera.exporter.ask("GET", uri.removeprefix("https://exporter.example"), None).content
    camera.exporter.order("suspend", scope={"device": camera.subject.device, "capability": CAPABILITY})
    camera.exchange.fetch_lists()
    camera.network.faults = [answering(200, old, content_type="application/statuslist+jwt")]
    report = camera.exchange.fetch_lists()
    assert len(report.problems) == 1
    assert "status_list.refused" in camera.types()
    state = camera.state
    assert state.entitlement is not None
    assert state.contact(state.entitlement.grants[CAPABILITY]).status is Status.SUSPENDED


def test_a_new_entitlement_comes_with_a_check_in(camera: Camera) -> None:
    camera.enrolled()
    before = camera.state.entitlement
    plan = {"grants": {CAPABILITY: {}}, "valid_for": 86_400}
    camera.exporter.post(f"/v1/devices/{camera.subject.device}/entitlements", plan)
    report = camera.exchange.sync()
    after = camera.state.entitlement
    assert before is not None
    assert after is not None
    assert (report.entitlement, set(after.grants), after.version > before.version) == (True, {CAPABILITY}, True)


def test_a_clone_is_told_apart_and_its_refusal_is_taken(camera: Camera, tmp_path: Path) -> None:
    camera.enrolled()
    camera.store.close()
    (tmp_path / "clone").mkdir()
    for name in ("agent.db", "device.key"):
        (tmp_path / "clone" / name).write_bytes((tmp_path / "store" / name).read_bytes())
    first, clone = (Camera(camera.exporter, tmp_path / name) for name in ("store", "clone"))
    assert first.exchange.sync().receipts == 1
    report = clone.exchange.sync()
    assert (report.reached, report.refused) == (True, ("evidence.fork",))
    path = f"/v1/devices/{camera.subject.device}/events?type=evidence.refused"
    assert len(camera.exporter.get(path)["items"]) == 1
    assert len(camera.exporter.get(f"/v1/devices/{camera.subject.device}/forks")["items"]) == 1
    for each in (first, clone):
        each.store.close()


def test_a_device_that_was_refused_goes_on_with_a_server_that_lost_its_state(camera: Camera, tmp_path: Path) -> None:
    camera.enrolled()
    camera.note(number=1)
    camera.exchange.sync()
    camera.store.close()
    (tmp_path / "clone").mkdir()
    for name in ("agent.db", "device.key"):
        (tmp_path / "clone" / name).write_bytes((tmp_path / "store" / name).read_bytes())
    first, clone = (Camera(camera.exporter, tmp_path / name) for name in ("store", "clone"))
    first.exchange.sync()
    first.store.close()
    assert clone.exchange.sync().refused == ("evidence.fork",)
    with camera.exporter.database.write() as session:
        session.execute(text("DELETE FROM ratchet WHERE device = :device"), {"device": camera.subject.device})
    for _ in range(2):
        report = clone.exchange.sync()
        assert (report.problems, report.refused, report.receipts >= 1) == ((), (), True)
        clone.note(number=2)
    clone.store.close()


def test_a_device_that_is_not_enrolled_asks_nobody(camera: Camera) -> None:
    assert camera.exchange.sync() == SyncReport()
    assert camera.network.sent == []


def test_a_device_without_a_network_does_the_same_by_file(camera: Camera, tmp_path: Path) -> None:
    camera.network.blocked = lambda request: True
    out, back = tmp_path / "request.json", tmp_path / "answer.json"
    token = camera.exporter.token(PLAN)
    camera.exchange.export_request(out, token)
    asked = out.read_bytes()
    camera.exchange.export_request(out, token)
    assert out.read_bytes() == asked
    back.write_bytes(encode(camera.exporter.post("/v1/enrollments", decode_object(asked), None)))
    report = camera.exchange.import_answer(back)
    assert (report.receipts, report.entitlement) == (1, True)
    assert out.stat().st_mode & 0o077 == 0
    back.write_bytes(b'{"a":1}')
    with pytest.raises(MalformedDocument):
        camera.exchange.import_answer(back)
    camera.exporter.settle()

    camera.note(number=1)
    camera.exchange.export_request(out)
    (uri,) = camera.state.shards
    answer = camera.exporter.post(
        f"/v1/devices/{camera.subject.device}/evidence", decode_object(out.read_bytes()), None
    )
    status_list = camera.exporter.ask("GET", uri.removeprefix("https://exporter.example"), None).text
    back.write_bytes(encode(answer | {"status_lists": [status_list]}))
    report = camera.exchange.import_answer(back)
    assert (report.receipts, report.lists, report.unreported, report.problems) == (1, 1, 0, ())
    assert camera.types() == []
    assert camera.state.lists.keys() == {uri}

    back.write_bytes(encode({"status_lists": [status_list, "a.e30.c", "rubbish"]}))
    report = camera.exchange.import_answer(back)
    assert codes(report) == ["status_list.uri", "status_list.uri"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"receipt": 1}', b"<html>"])
def test_a_file_that_is_no_answer(camera: Camera, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "answer.json").write_bytes(content)
    with pytest.raises(InterlockError):
        camera.exchange.import_answer(tmp_path / "answer.json")


def test_files_that_cannot_be_had(camera: Camera, tmp_path: Path) -> None:
    with pytest.raises(TransportError) as unreadable:
        camera.exchange.import_answer(tmp_path / "nowhere")
    with pytest.raises(TransportError) as unwritable:
        camera.exchange.export_request(tmp_path / "nowhere" / "out", "token")
    with pytest.raises(MalformedDocument):
        camera.exchange.export_request(tmp_path / "out")
    assert (unreadable.value.code, unwritable.value.code) == ("file.unreadable", "file.unwritable")
