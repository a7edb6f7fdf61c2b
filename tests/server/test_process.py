"""What only a real server shows: many at once, a kill at any moment, its threads, connections and logs."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2

from licensing_protocol.canonical import decode_object
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.web import Role
from tests.server.conftest import AT_HAND
from tests.server.exporter import CAPABILITY, Exporter
from tests.server.process import ServerProcess, running
from tests.simulators.device import SimulatedDevice

AT_ONCE = 200
KILLS = 3
RECEIPTS_BETWEEN_KILLS = 4


def test_two_hundred_at_once_get_through_or_are_told_when_to_come_back(settings: Settings, tmp_path: Path) -> None:
    exporter = Exporter.begin(settings)
    devices = [exporter.device() for _ in range(4)]
    bodies = {device.id: device.evidence(clock.now()) for device in devices}
    headers = {"Authorization": f"Bearer {exporter.administrator}"}
    exporter.end()
    with (
        running(settings, tmp_path) as server,
        httpx2.Client(base_url=server.url, timeout=60, limits=_limits()) as client,
    ):
        uri = "/v1/status/1"
        etag = client.get(uri).headers["etag"]

        def ask(number: int) -> httpx2.Response:
            device = devices[number % len(devices)].id
            match number % 5:
                case 0:
                    return client.post(f"/v1/devices/{device}/evidence", json=bodies[device])
                case 1:
                    return client.get(f"/v1/devices/{device}", headers=headers)
                case 2:
                    return client.post(f"/v1/devices/{device}/entitlements/renewal", headers=headers)
                case 3:
                    party = {"name": f"Party {number}", "country": "FR"}
                    return client.post("/v1/parties", json=party, headers=headers)
                case _:
                    return client.get(uri, headers={"If-None-Match": etag, "Prefer": "wait=2"})

        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(ask, range(AT_ONCE)))
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) <= {200, 201, 304, 503}, statuses
        assert statuses[503] < AT_ONCE / 4, statuses
        assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)
        receipts = {answer.json()["receipt"] for answer in answers[::5] if answer.status_code == 200}
        assert len(receipts) == len(devices)
        assert server.process is not None
        assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) < 40
        _until(server.ready)
        assert server.stop() == 0


def test_a_receipt_is_never_sent_before_its_commit(settings: Settings, tmp_path: Path) -> None:
    exporter = Exporter.begin(settings)
    device = exporter.device()
    got: list[dict[str, Any]] = []
    body = _report(device)
    with running(settings, tmp_path) as server:
        for number in range(1, KILLS + 1):
            wanted = number * RECEIPTS_BETWEEN_KILLS
            killer = threading.Thread(target=_kill_once, args=(server, got, wanted))
            killer.start()
            body = _check_in_until_it_dies(server, device, got, body)
            killer.join()
            server.start()
        device.take(httpx2.post(f"{server.url}/v1/devices/{device.id}/evidence", json=body).json())
    assert len(got) >= KILLS * RECEIPTS_BETWEEN_KILLS
    known = {evidence["identity"] for evidence in exporter.all(f"/v1/devices/{device.id}/evidence")}
    assert {receipt["evidence"] for receipt in got} <= known
    # And whoever was cut off in the middle goes on: nothing is taken for a fork.
    assert exporter.all(f"/v1/devices/{device.id}/forks") == []
    assert "receipt" in exporter.check_in(device)
    exporter.end()


def test_no_answer_waits_until_its_head_is_acknowledged(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", **AT_HAND)
    Exporter.begin(settings).end()
    seconds = []
    with running(settings, tmp_path) as server, httpx2.Client(base_url=server.url) as client:
        for _ in range(60):
            began = time.monotonic()
            assert client.get("/healthz").status_code == 200
            seconds.append(time.monotonic() - began)
    # A new connection is acknowledged at once for a while; later the least that a client waits is 40 ms.
    assert min(seconds[-20:]) < 0.035


def test_who_hangs_up_gives_up_the_place_among_those_who_wait(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", public_url="https://exporter.example")
    exporter = Exporter.begin(settings)
    exporter.device()
    exporter.end()
    with running(settings, tmp_path) as server, httpx2.Client(base_url=server.url, timeout=30) as client:

        def waiting(count: int) -> bool:
            return f"interlock_status_waiters {count}.0" in client.get("/metrics").text

        # The server signs the list anew when it starts, so the first one to be seen may not be the last.
        _until(lambda: client.get("/v1/status/1").status_code == 200)
        headers = {"If-None-Match": client.get("/v1/status/1").headers["etag"], "Prefer": "wait=50"}
        with httpx2.Client(base_url=server.url, timeout=2) as impatient, ThreadPoolExecutor(1) as pool:
            asked = pool.submit(impatient.get, "/v1/status/1", headers=headers)
            _until(lambda: waiting(1))
            assert isinstance(asked.exception(), httpx2.TransportError)
        _until(lambda: waiting(0))
        assert server.stop() == 0


def test_the_logs_tell_what_happened_and_name_nobody(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", public_url="https://exporter.example")
    exporter = Exporter.begin(settings)
    device = exporter.device()
    body = device.evidence(clock.now(), events=[("position.implausible", {"plate": "AB-123-CD"})])
    exporter.end()
    with running(settings, tmp_path) as server, httpx2.Client(base_url=server.url, timeout=30) as client:
        staff = {"Authorization": f"Bearer {exporter.tokens[Role.COMPLIANCE]}", "X-Request-Id": "a-request-of-mine"}
        named = client.post("/v1/parties", json={"name": "Ministry of Rivers", "country": "FR"}, headers=staff)
        assert named.headers["x-request-id"] == "a-request-of-mine"
        assert client.post(f"/v1/devices/{device.id}/evidence", json=body).status_code == 200
        assert client.get("/v1/parties?country=12", headers=staff).status_code == 422
        assert client.get(f"/v1/people/{exporter.people[Role.VENDOR]}/nothing").status_code == 404
        assert server.stop() == 0
    text = server.log.read_text("utf-8")
    lines = [decode_object(line.encode()) for line in text.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert {"method", "route", "status", "milliseconds", "request_id", "timestamp", "level"} <= set(requests[0])
    (mine,) = [line for line in requests if line["request_id"] == "a-request-of-mine" and line["method"] == "POST"]
    assert (mine["route"], mine["status"]) == ("/v1/parties", 201)
    secrets = (exporter.tokens[Role.COMPLIANCE].split(".")[1], "Rivers", "AB-123-CD", device.id, CAPABILITY)
    for secret in (*secrets, exporter.people[Role.VENDOR], body["evidence"][:60]):
        assert secret not in text


def _report(device: SimulatedDevice) -> Any:
    return device.evidence(clock.now(), events=[("agent.started", {})])


def _check_in_until_it_dies(
    server: ServerProcess, device: SimulatedDevice, got: list[dict[str, Any]], body: Any
) -> Any:
    """Report, beginning with ``body``, and return what had no answer: whoever lost it sends the same again."""
    with httpx2.Client(base_url=server.url, timeout=10) as client:
        while True:
            try:
                answer = client.post(f"/v1/devices/{device.id}/evidence", json=body)
            except httpx2.TransportError:
                return body
            if answer.status_code == 200:
                device.take(answer.json())
                assert device.receipt is not None
                got.append({"evidence": device.receipt.evidence})
                body = _report(device)
            else:
                assert answer.status_code in {429, 503}, answer.text


def _kill_once(server: ServerProcess, got: list[dict[str, Any]], wanted: int) -> None:
    _until(lambda: len(got) >= wanted)
    server.kill()


def _limits() -> httpx2.Limits:
    return httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)


def _until(holds: Any) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.003)
