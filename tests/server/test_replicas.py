"""Several servers on one PostgreSQL: any answers anything, one signs at a time, one that dies takes nothing along."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from device_agent import Agent, Denied
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.server.process import ServerProcess, running
from tests.simulators.device import SimulatedDevice, payload

LIST = "/v1/status/1"
AGENTS = 6
KILLS = 2
TAKES_OVER_WITHIN_S = 5.0
DENIES_WITHIN_S = 1.5
# The machine that runs the tests does other things too.
BUSY_S = 3.0


@dataclass
class Replicas:
    """Two server processes, and the exporter's people, who reach the same database by a server without jobs."""

    exporter: Exporter
    servers: list[ServerProcess]
    orders: list[str] = field(default_factory=list)

    def ask(self, number: int, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send one request to one of the two."""
        headers = {"Authorization": f"Bearer {self.exporter.tokens[Role.COMPLIANCE]}"} | options.pop("headers", {})
        return httpx2.request(method, self.servers[number].url + path, headers=headers, timeout=70, **options)

    def suspend(self, number: int, device: str) -> str:
        """Place an order at one of the two."""
        body = {"kind": "suspend", "scope": {"device": device, "capability": CAPABILITY}}
        reason = {"reason_code": "contract", "reason_text": "The contract has ended."}
        placed = self.ask(number, "POST", "/v1/orders", json=body | reason)
        assert placed.status_code == 201, placed.text
        return str(placed.json()["id"])

    def toggle(self, number: int, device: str) -> None:
        """Change one device's status once more."""
        if not self.orders:
            self.orders.append(self.suspend(number, device))
            return
        reason = {"reason_code": "review_ended", "reason_text": "The review has ended."}
        placed = self.ask(
            number, "POST", "/v1/orders", json={"kind": "reinstate", "undoes": self.orders.pop()} | reason
        )
        assert placed.status_code == 201, placed.text


@pytest.fixture
def settings(postgres_url: str, tmp_path: Path) -> Settings:
    """The settings of all replicas: one database and one folder of keys."""
    return Settings(data_dir=tmp_path / "data", database_url=postgres_url, public_url="https://exporter.example")


@pytest.fixture
def replicas(exporter: Exporter, settings: Settings, tmp_path: Path) -> Iterator[Replicas]:
    """Two replicas at work."""
    with ExitStack() as stack:
        folders = [tmp_path / name for name in ("first", "second")]
        for folder in folders:
            folder.mkdir()
        yield Replicas(exporter, [stack.enter_context(running(settings, folder)) for folder in folders])


def test_any_replica_answers_anything(replicas: Replicas) -> None:
    device = SimulatedDevice(replicas.exporter.manifest)
    enrolment = device.enrollment(replicas.exporter.token(), clock.now())
    enrolled = replicas.ask(0, "POST", "/v1/enrollments", json=enrolment)
    assert replicas.ask(1, "POST", "/v1/enrollments", json=enrolment).json()["receipt"] == enrolled.json()["receipt"]
    device.take(enrolled.json())
    for number in (1, 0, 1):
        answer = replicas.ask(number, "POST", f"/v1/devices/{device.id}/evidence", json=device.evidence(clock.now()))
        device.take(answer.json())
    order = replicas.suspend(0, device.id)
    assert replicas.ask(1, "GET", f"/v1/orders/{order}").json()["id"] == order
    until(lambda: texts(replicas)[0] == texts(replicas)[1])


def test_an_order_at_one_wakes_who_waits_at_any(replicas: Replicas) -> None:
    device = replicas.exporter.device()
    until(lambda: texts(replicas)[0] == texts(replicas)[1])
    etag = replicas.ask(0, "GET", LIST).headers["etag"]
    headers = {"If-None-Match": etag, "Prefer": "wait=50"}
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(replicas.ask, number % 2, "GET", LIST, headers=headers) for number in range(4)]
        until(lambda: all(waiters(replicas, number) == 2 for number in (0, 1)))
        replicas.suspend(0, device.id)
        begun = time.monotonic()
        answers = [each.result() for each in waiting]
    assert time.monotonic() - begun < DENIES_WITHIN_S + BUSY_S
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


def test_killing_one_moves_its_work_and_no_number_is_signed_twice(replicas: Replicas) -> None:
    device = replicas.exporter.device()
    seen: dict[int, set[str]] = {}
    stop = threading.Event()

    def watch(number: int) -> None:
        last = 0
        while not stop.is_set():
            try:
                answer = replicas.ask(number, "GET", LIST)
            except httpx2.TransportError:
                stop.wait(0.05)
                continue
            claims = payload(answer.text)
            assert claims["seq"] >= last, "a number fell"
            last = claims["seq"]
            seen.setdefault(last, set()).add(answer.text)
            stop.wait(0.01)

    with ThreadPoolExecutor(2) as pool:
        watchers = [pool.submit(watch, number) for number in (0, 1)]
        try:
            for kill in range(KILLS):
                kill_one(replicas, kill % 2, device.id)
        finally:
            stop.set()
        for watcher in watchers:
            watcher.result()
    assert len(seen) > 2 * KILLS
    assert all(len(texts) == 1 for texts in seen.values())
    entries = replicas.exporter.all("/v1/log/entries", Role.AUDITOR)
    assert [entry["index"] for entry in entries] == list(range(len(entries)))


def test_what_one_process_has_in_hand_no_other_does(exporter: Exporter) -> None:
    device = exporter.device()
    before = exporter.ask("GET", LIST, None).text
    with exporter.database.alone("status-lists/1") as ours:
        assert ours
        exporter.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
        assert exporter.ask("GET", LIST, None).text == before
    exporter.settle()
    assert exporter.ask("GET", LIST, None).text != before


def test_devices_that_wait_at_two_replicas_deny_together_also_when_one_has_died(
    replicas: Replicas, tmp_path: Path
) -> None:
    exporter, urls = replicas.exporter, [server.url for server in replicas.servers]
    manifests = [registered(exporter, f"2.{number}", (urls[number], urls[1 - number])) for number in (0, 1)]
    with ExitStack() as stack:
        agents = [
            stack.enter_context(opened(exporter, manifests[number % 2], tmp_path / f"agent-{number}"))
            for number in range(AGENTS)
        ]
        until(lambda: all(waiters(replicas, number) == AGENTS // 2 for number in (0, 1)))
        first, second = agents[: AGENTS // 2], agents[AGENTS // 2 :]
        assert code(first) == {None}
        for agent in first:
            replicas.suspend(0, agent.device_id)
        begun = time.monotonic()
        until(lambda: code(first) == {"status.suspended"})
        assert time.monotonic() - begun < DENIES_WITHIN_S + BUSY_S
        assert code(second) == {None}
        replicas.servers[0].kill()
        until(lambda: waiters(replicas, 1) == AGENTS)
        for agent in second:
            replicas.suspend(1, agent.device_id)
        begun = time.monotonic()
        until(lambda: code(second) == {"status.suspended"})
        assert time.monotonic() - begun < DENIES_WITHIN_S + BUSY_S


def kill_one(replicas: Replicas, dying: int, device: str) -> None:
    """Kill one replica while it may be at work, hold the other to the time that it has, and begin the first again."""
    living = 1 - dying
    replicas.toggle(living, device)
    replicas.servers[dying].kill()
    before = payload(replicas.ask(living, "GET", LIST).text)["seq"]
    begun = time.monotonic()
    replicas.toggle(living, device)
    until(lambda: payload(replicas.ask(living, "GET", LIST).text)["seq"] > before)
    assert time.monotonic() - begun < TAKES_OVER_WITHIN_S
    replicas.servers[dying].start()


def registered(exporter: Exporter, release: str, servers: tuple[str, ...]) -> str:
    """Register a release whose devices ask these servers in this order, and return its manifest."""
    text = exporter.product_manifest(release, servers=servers, measure=()).sign(exporter.vendor)
    exporter.post("/v1/products/camera/releases", {"manifest": text}, Role.VENDOR)
    return text


def opened(exporter: Exporter, manifest: str, folder: Path) -> Agent:
    agent = Agent.open(folder, manifest=manifest, vendor_key=exporter.vendor.key.jwk, sync_every=300.0)
    agent.enroll(exporter.token(PLAN))
    return agent


def code(agents: list[Agent]) -> set[str | None]:
    decided = [agent.decide(CAPABILITY) for agent in agents]
    return {each.reason.code if isinstance(each, Denied) else None for each in decided}


def waiters(replicas: Replicas, number: int) -> float:
    """Return how many wait for a list at one of the two."""
    lines = replicas.ask(number, "GET", "/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("interlock_status_waiters "))


def texts(replicas: Replicas) -> list[str]:
    return [replicas.ask(number, "GET", LIST).text for number in (0, 1)]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
