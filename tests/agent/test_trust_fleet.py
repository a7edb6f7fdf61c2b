"""Devices and a real server whose keys are rotated, stolen and removed (protocol §2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device_agent.trusted_state import State, Taken, take_entitlement, take_status_list
from licensing_protocol.canonical import encode
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.status_list import StatusList
from licensing_protocol.token import TokenType, sign
from licensing_protocol.trust import NOBODY, Delegation, Trusted
from licensing_server.config import Settings
from tests.agent.test_exchange import Camera
from tests.server.exporter import Exporter
from tests.server.holders import Holders

YEAR_2099 = 4_070_908_800


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Exporter]:
    """A server whose throw-away ceremony left its root keys in the data folder."""
    made = Exporter.begin(Settings(data_dir=tmp_path / "data", public_url="https://exporter.example"))
    yield made
    made.end()


@pytest.fixture
def holders(exporter: Exporter) -> Holders:
    """Those who hold the root keys."""
    return Holders(exporter)


@pytest.fixture
def cameras(exporter: Exporter, tmp_path: Path) -> Iterator[list[Camera]]:
    """Two enrolled devices with their lists."""
    made = [Camera(exporter, tmp_path / f"store-{number}").enrolled() for number in range(2)]
    for camera in made:
        assert camera.exchange.sync().problems == ()
    yield made
    for camera in made:
        camera.store.close()


def works(camera: Camera) -> bool:
    """Tell whether the device holds all that a use takes: entitlement, list and receipt, under keys that count."""
    state = camera.state
    return bool(state.entitlement and state.receipt and set(state.lists) == state.shards != frozenset())


def signers(camera: Camera) -> dict[Delegation, str]:
    """Return the keys under which the device holds its documents."""
    state = camera.state
    assert state.held_receipt is not None
    (listed,) = state.status.lists.values()
    return {
        Delegation.ENTITLEMENT: state.held.kid,
        Delegation.STATUS: listed.kid,
        Delegation.RECEIPT: state.held_receipt.kid,
    }


def test_enrolment_brings_the_root_of_trust_from_the_pinned_version_on(exporter: Exporter, tmp_path: Path) -> None:
    camera = Camera(exporter, tmp_path / "store")
    before = camera.state.subject.root
    assert before == NOBODY
    camera.enrolled()
    assert camera.state.subject.root == exporter.trusted()
    assert works(camera) is False
    assert camera.exchange.sync().problems == ()
    assert works(camera)


def test_keys_are_rotated_and_no_device_is_interrupted(
    exporter: Exporter, holders: Holders, cameras: list[Camera]
) -> None:
    before = holders.show()["signs"]
    told = holders.publish("rotate")["signs"]
    assert not set(before.values()) & set(told.values())
    reader, reporter = cameras
    # One learns of the new keys by a list that a new one signed, the other by the answer to its report.
    assert reader.exchange.fetch_lists().problems == ()
    assert signers(reader)[Delegation.STATUS] == told["status"]
    assert signers(reader)[Delegation.ENTITLEMENT] == before["entitlement"]
    for camera in cameras:
        assert works(camera)
        assert camera.exchange.sync().problems == ()
        assert works(camera)
        assert signers(camera) == {name: told[str(name)] for name in signers(camera)}
        assert "status_list.refused" not in camera.types()
    assert holders.show()["entitlements_under_older_keys"] == 0
    holders.publish("rotate", "--finish")
    for camera in cameras:
        assert camera.exchange.sync().problems == ()
        assert works(camera)
        assert camera.state.subject.root == exporter.trusted()
    events = exporter.all(f"/v1/devices/{reporter.subject.device}/events")
    assert {"root": 1, "targets": 2} in [event["data"] for event in events if event["type"] == "trust.updated"]


def test_a_rotation_does_not_finish_while_a_device_holds_what_an_older_key_signed(
    holders: Holders, cameras: list[Camera]
) -> None:
    holders.publish("rotate", "--purpose", "entitlement")
    assert holders.show()["entitlements_under_older_keys"] == 2
    cameras[0].exchange.sync()
    assert holders.show()["entitlements_under_older_keys"] == 1
    with pytest.raises(AssertionError, match=r"keys\.alive"):
        holders.publish("rotate", "--finish")
    holders.publish("rotate", "--finish", "--now")
    assert cameras[1].exchange.sync().problems == ()
    assert works(cameras[1])


def test_of_a_stolen_key_nothing_counts_any_more_and_its_marks_are_forgotten(
    exporter: Exporter, holders: Holders, cameras: list[Camera]
) -> None:
    camera, other = cameras
    thief = Thief(exporter, camera)
    assert thief.entitle().problem is None
    assert thief.list_of_the_last_day().problem is None
    assert camera.state.time.lower >= thief.last_day
    assert camera.state.entitlement is not None
    assert camera.state.entitlement.version == YEAR_2099
    for purpose in (Delegation.ENTITLEMENT, Delegation.STATUS):
        holders.publish("revoke", thief.signers[purpose].key.thumbprint)
    for device in (camera, other):
        assert device.exchange.sync().problems == ()
        assert works(device)
    state = camera.state
    assert state.entitlement is not None
    assert state.entitlement.version < YEAR_2099
    assert state.time.lower < thief.last_day
    assert {thief.entitle().problem_code, thief.list_of_the_last_day().problem_code} == {"trust.unknown_key"}
    assert works(camera)


def test_a_stolen_receipt_key_does_not_make_a_device_forget_that_it_is_enrolled(
    exporter: Exporter, holders: Holders, cameras: list[Camera]
) -> None:
    stolen = holders.show()["signs"]["receipt"]
    holders.publish("revoke", stolen)
    camera = cameras[0]
    camera.network.blocked = lambda request: request.method == "POST"
    camera.exchange.fetch_lists()
    camera.network.blocked = lambda request: False
    assert camera.exchange.sync().receipts == 1
    assert works(camera)
    assert signers(camera)[Delegation.RECEIPT] != stolen
    assert exporter.get(f"/v1/devices/{camera.subject.device}/forks")["items"] == []


def test_a_device_without_a_network_gets_the_root_of_trust_with_its_answers(
    exporter: Exporter, holders: Holders, tmp_path: Path
) -> None:
    camera = Camera(exporter, tmp_path / "store")
    camera.network.blocked = lambda request: True
    carried = Courier(exporter, camera, tmp_path)
    carried.there_and_back("/v1/enrollments", exporter.token())
    assert camera.state.subject.root == exporter.trusted()
    holders.publish("rotate")
    holders.publish("rotate", "--finish", "--now")
    path = f"/v1/devices/{camera.subject.device}/evidence"
    carried.there_and_back(path)
    assert camera.state.subject.root == exporter.trusted()
    assert works(camera)
    # With nothing newer, nothing is carried.
    assert "trust" not in carried.there_and_back(path)


def test_a_device_walks_with_the_roots_of_its_exporter(
    exporter: Exporter, holders: Holders, cameras: list[Camera], tmp_path: Path
) -> None:
    for _ in range(2):
        holders.publish("renew", "--root")
    for camera in cameras:
        camera.exchange.sync()
        root = camera.state.subject.root
        assert isinstance(root, Trusted)
        assert (root.version, root.targets) == (3, 3)
        assert works(camera)
    late = Camera(exporter, tmp_path / "late").enrolled()
    assert late.state.subject.root == exporter.trusted()
    late.store.close()


def test_each_publication_has_its_entry_in_the_log(exporter: Exporter, holders: Holders) -> None:
    holders.publish("renew", "--root")
    entries = exporter.all("/v1/log/entries")
    told = [(entry["type"], entry["data"]["version"]) for entry in entries if entry["type"].endswith(".published")]
    assert told == [("root.published", 1), ("targets.published", 1), ("root.published", 2), ("targets.published", 2)]
    stolen = holders.show()["signs"]["log"]
    holders.publish("revoke", stolen)
    newest = exporter.all("/v1/log/entries")[-1]["data"]
    assert stolen not in newest["keys"]["log"]
    (made,) = [entry for entry in exporter.all("/v1/log/entries") if entry["type"] == "key.made"]
    assert newest["keys"]["log"] == [made["subject"]]


class Thief:
    """Somebody who copied the server's signing keys and their passphrase, and has hands on one device."""

    def __init__(self, exporter: Exporter, camera: Camera) -> None:
        folder = exporter.settings.data_dir
        secret = (folder / "passphrase").read_bytes().strip()
        self.signers = {
            purpose: SoftwareSigner.from_pem((folder / "keys" / f"{purpose}.1.pem").read_bytes(), secret)
            for purpose in Delegation
        }
        self._camera = camera
        self.last_day = exporter.trusted().expires - 86_400
        state = camera.state
        assert state.entitlement is not None
        self._entitlement = state.entitlement.to_claims()
        (listed,) = state.lists.values()
        self._list = listed

    def entitle(self) -> Attempt:
        """Give the device an entitlement that no real one can follow."""
        claims = self._entitlement | {"ver": YEAR_2099}
        text = sign(claims, TokenType.ENTITLEMENT, self.signers[Delegation.ENTITLEMENT])
        return self._take(lambda connection, state, now: take_entitlement(connection, state, text, now))

    def list_of_the_last_day(self) -> Attempt:
        """Give the device a list that no real one can follow, of the last day for which the Targets vouch."""
        made: StatusList = replace(
            self._list, sequence=YEAR_2099, issued_at=self.last_day, expires=self.last_day + 10**6
        )
        text = made.sign(self.signers[Delegation.STATUS])
        return self._take(lambda connection, state, now: take_status_list(connection, state, made.uri, text, now))

    def _take(self, act: Any) -> Attempt:
        with self._camera.store.write() as connection:
            state = State.load(connection, self._camera.subject)
            return Attempt(act(connection, state, self._camera.clock.read()))


class Attempt:
    """What came of a document that a thief gave a device."""

    def __init__(self, taken: Taken) -> None:
        self.problem = taken.problem
        self.problem_code = None if taken.problem is None else taken.problem.code


class Courier:
    """Somebody who carries files between a device and its exporter."""

    def __init__(self, exporter: Exporter, camera: Camera, folder: Path) -> None:
        self._exporter, self._camera = exporter, camera
        self._request, self._answer = folder / "request.json", folder / "answer.json"

    def there_and_back(self, path: str, token: str | None = None) -> Any:
        """Carry a request there, and the answer with the status list back; return the answer."""
        self._camera.exchange.export_request(self._request, token)
        body = self._request.read_bytes()
        headers = {"Content-Type": "application/json"}
        answer = self._exporter.ask("POST", path, None, content=body, headers=headers).json()
        self._exporter.settle()
        lists = [self._exporter.ask("GET", "/v1/status/1", None).text]
        self._answer.write_bytes(encode(answer | {"status_lists": lists}))
        assert self._camera.exchange.import_answer(self._answer).problems == ()
        return answer
