"""The agent's life beside the product: background work, closing, forking, measuring, status, and what it imports."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from device_agent import Agent, CapabilityDenied, Denied, Fix, LocationSource
from device_agent.agent.background import Worker
from device_agent.clock import Reading
from device_agent.errors import AgentClosed
from device_agent.exchange import Arriving, Request
from device_agent.exchange.check_in import MOST_ROUNDS
from device_agent.journal import append
from device_agent.store import Store
from licensing_protocol.canonical import decode
from licensing_protocol.errors import InterlockError
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.manifest import Component, ComponentKind
from licensing_protocol.status_list import Status
from licensing_protocol.time_bounds import TimeBounds
from tests.agent.bench import Bench, denial
from tests.simulators.clock import SettableClock, ShiftedClock
from tests.simulators.exporter import CAPABILITY, ISSUED, grant
from tests.simulators.responder import Responder


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Bench]:
    """A bench on which time runs by itself."""
    bench = Bench(tmp_path)
    clock = ShiftedClock()
    bench.server.now = lambda: int(clock.read().wall)
    original = bench.open
    bench.open = lambda **options: original(**{"clock": clock} | options)  # type: ignore[method-assign]  # same device, other clock
    yield bench
    for agent in bench.agents:
        agent.close()


def eventually(true: Callable[[], Any], within: float = 8.0) -> None:
    for _ in range(int(within / 0.02)):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come about")


def answer(agent: Agent) -> str | None:
    """Return the code of a denial. A use asked for next may find the world changed: it goes on by itself here."""
    decided = agent.decide(CAPABILITY)
    return decided.reason.code if isinstance(decided, Denied) else None


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("interlock")]


def test_an_agent_reports_by_itself(live: Bench) -> None:
    agent = live.enrolled(sync_every=0.2)
    eventually(lambda: len(live.server.received) >= 3)
    assert live.server.forks == 0
    agent.close()


def test_nothing_runs_in_the_background_unless_it_is_asked_to(live: Bench) -> None:
    live.enrolled()
    assert threads() == []


def test_a_revocation_is_obeyed_and_answered_without_anybody_asking(live: Bench) -> None:
    agent = live.enrolled(sync_every=0.2)
    live.server.statuses = {0: Status.INVALID}
    live.server.grants = {"av.record": grant(index=1)}
    eventually(lambda: answer(agent) == "capability.stripped")
    assert denial(agent, "av.record") is None


def test_a_stale_list_is_fetched_at_once_when_it_is_noticed(live: Bench) -> None:
    freshness = {"max_offline": 2, "max_silent": 1000, "per_boot": False}
    live.server.grants = {CAPABILITY: grant(freshness=freshness)}
    agent = live.enrolled(sync_every=1000.0, listen=False)
    eventually(lambda: answer(agent) == "status.stale")
    eventually(lambda: answer(agent) is None)


def test_a_server_out_of_reach_is_asked_less_and_less(live: Bench) -> None:
    agent = live.enrolled(sync_every=0.1)
    live.server.reachable = False
    eventually(lambda: agent._syncer._failures > 0)
    before = live.server.requests
    for _ in range(100):
        agent.decide(CAPABILITY)
    assert live.server.requests == before


def test_a_backlog_is_sent_without_waiting_for_the_next_report(live: Bench) -> None:
    live.server.grants = {CAPABILITY: grant(freshness={"max_offline": 2, "max_silent": 1000, "per_boot": False})}
    agent = live.enrolled(sync_every=1000.0, listen=False)
    # Another process of the product has much to tell: about one document and a half more than one sync sends.
    store = Store.open(live.folder / "agent")
    with store.write() as connection:
        for number in range(450):
            data = {"number": number, "text": "x" * 3800}
            append(connection, "vendor.event", data, TimeBounds(ISSUED + 1000), "boot-1")
    store.close()
    eventually(lambda: answer(agent) == "status.stale")
    eventually(lambda: live.server.received and live.server.received[-1].last >= 450, within=20.0)
    assert len(live.server.received) > MOST_ROUNDS


def test_a_source_of_positions_is_asked(live: Bench) -> None:
    asked = threading.Event()

    class Receiver(LocationSource):
        def read(self) -> Fix | None:
            asked.set()
            return Fix(48.0, 10.0, 5.0)

    live.server.grants = {CAPABILITY: grant(limits={"area": AREA})}
    live.server.zones = ZONES
    agent = live.enrolled(location=Receiver())
    assert asked.wait(5)
    eventually(lambda: answer(agent) is None)


ZONES = {
    "round": {
        "name": "Round",
        "geometry": {"circle": {"center": [10.0, 48.0], "radius_m": 5000}},
        "source": "test",
        "accuracy_m": 10.0,
        "pov": "none",
    }
}
AREA = {"allow": ["round"], "deny": [], "max_age": 60, "max_uncertainty_m": 1000.0}
MEASURED = (
    Component("rules", ComponentKind.FILE, "rules.json"),
    Component("models", ComponentKind.TREE, "models"),
    Component("threshold", ComponentKind.SETTING),
)


@pytest.fixture
def product(bench: Bench) -> Path:
    folder = bench.folder / "product"
    (folder / "models").mkdir(parents=True)
    (folder / "rules.json").write_text("[]")
    (folder / "models" / "a.bin").write_text("a")
    return folder


def test_a_change_is_journalled_once_and_reported(bench: Bench, product: Path) -> None:
    settings = {"threshold": 0.5}
    bench = Bench(bench.folder, bench.exporter, manifest_changes={"measure": MEASURED})
    agent = bench.enrolled(product_folder=product, settings=lambda: settings)
    assert agent.measure() == ()
    (product / "rules.json").write_text("[1]")
    (product / "models" / "b.bin").write_text("b")
    settings["threshold"] = 0.7
    changed = agent.measure()
    assert {change.component: change.changed for change in changed} == {
        "rules": (),
        "models": ("b.bin",),
        "threshold": (),
    }
    assert agent.measure() == ()
    agent.sync()
    told = bench.server.events("configuration.changed")
    assert [event["component"] for event in told] == ["rules", "models", "threshold"]
    assert {one.name: one.digest for one in bench.server.received[-1].measurements} == {
        change.component: change.after for change in changed
    }
    agent.close()


def test_a_change_while_the_product_was_off_is_found_at_its_start_and_by_one_process_only(
    bench: Bench, product: Path
) -> None:
    bench.enrolled(product_folder=product).close()
    (product / "rules.json").write_text("[1]")
    agents = [bench.open(product_folder=product) for _ in range(3)]
    agents[0].sync()
    assert len(bench.server.events("configuration.changed")) == 1


def test_a_change_is_noticed_in_seconds(live: Bench) -> None:
    folder = live.folder / "product"
    folder.mkdir()
    (folder / "rules.json").write_text("[]")
    live.enrolled(product_folder=folder, sync_every=0.5)
    (folder / "rules.json").write_text("[1]")
    eventually(lambda: live.server.events("configuration.changed"))


def test_closing_is_quick_also_in_the_middle_of_a_request(live: Bench) -> None:
    entered, leave = threading.Event(), threading.Event()

    class Hanging(Responder):
        hang = False

        @contextmanager
        def open(self, request: Request) -> Iterator[Arriving]:
            if self.hang:
                entered.set()
                leave.wait(20)
            with super().open(request) as arriving:
                yield arriving

    server = Hanging(live.manifest, live.exporter, live.server.now)
    agent = live.enrolled(transport=server, sync_every=0.1)
    server.hang = True
    assert entered.wait(5)
    begun = time.monotonic()
    agent.close()
    assert time.monotonic() - begun < 2
    assert denial(agent) == "agent.closed"
    assert denial(agent, "safety.tamper_alarm") is None
    agent.close()
    leave.set()
    eventually(lambda: threads() == [])


def test_closing_is_quick_also_while_a_use_waits_for_the_store(bench: Bench) -> None:
    begun = threading.Event()

    class Noticing(SettableClock):
        def read(self) -> Reading:
            if threading.current_thread() is use:
                begun.set()
            return super().read()

    def use_once() -> None:
        with suppress(CapabilityDenied), agent.use(CAPABILITY):
            pass

    use = threading.Thread(target=use_once)
    bench.server.grants = {CAPABILITY: grant(audit="each")}
    agent = bench.enrolled(clock=Noticing(ISSUED + 1000.0))
    with closing(sqlite3.connect(bench.folder / "agent" / "agent.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        use.start()
        assert begun.wait(5)
        at = time.monotonic()
        agent.close()
        assert time.monotonic() - at < 2
    use.join()
    assert denial(agent) == "agent.closed"


def test_a_closed_agent_exchanges_nothing(bench: Bench) -> None:
    with bench.enrolled() as agent:
        pass
    for act in (agent.sync, agent.measure, lambda: agent.enroll("token")):
        with pytest.raises(AgentClosed) as refused:
            act()
        assert refused.value.code == "agent.closed"


def test_a_manifest_that_is_not_the_vendors_does_not_open(bench: Bench) -> None:
    with pytest.raises(InterlockError):
        bench.open(vendor_key=SoftwareSigner.generate().key.jwk)
    with pytest.raises(InterlockError):
        bench.open(manifest="no.such.manifest")


def test_the_status_says_all_and_gives_nothing_away(bench: Bench) -> None:
    bench.server.notices = ("Suspended after a report; appeal at https://exporter.example/appeal.",)
    agent = bench.enrolled()
    agent.locate(Fix(48.123456, 10.0, 5.0))
    agent.sync()
    bench.clock.pass_time(50)
    told = agent.status().to_json()
    assert decode(json.dumps(told).encode()) == told
    assert told["device"] == agent.device_id
    assert told["enrolled"] is agent.enrolled is True
    assert told["entitlement"]["exp"] == bench.server.expires
    assert told["capabilities"][CAPABILITY]["granted"] is True
    assert told["capabilities"]["av.record"]["code"] == "capability.stripped"
    assert told["capabilities"]["av.record"]["sentence"]
    assert told["last_receipt"]["age"] == 50
    assert [one["age"] for one in told["status_lists"].values()] == [50]
    assert told["clock"]["known"] is True
    assert told["unreported_events"] == 0
    assert told["notices"] == list(bench.server.notices)
    key = (bench.folder / "agent" / "device.key").read_text().splitlines()[1]
    assert key not in str(told)
    assert "48.123456" not in str(told)


def test_by_file_the_same_documents_go_and_come(bench: Bench, tmp_path: Path) -> None:
    agent = bench.open()
    request, answer = tmp_path / "request.json", tmp_path / "answer.json"
    agent.export_request(request, "token")
    answer.write_bytes(bench.server.answer("POST", "/v1/enrollments", request.read_bytes())[1])
    assert agent.import_answer(answer).entitlement
    assert agent.enrolled
    agent.export_request(request)
    path = f"/v1/devices/{agent.device_id}/evidence"
    answer.write_bytes(bench.server.answer("POST", path, request.read_bytes())[1])
    assert agent.import_answer(answer).receipts == 1


HEAVY = (
    *(
        "fastapi",
        "sqlalchemy",
        "numpy",
        "shapely",
        "jsonschema_rs",
        "typer",
        "rich",
        "tuf",
        "securesystemslib",
        "urllib3",
    ),
    *("pydantic", "asyncio", "device_agent.exchange", "zoneinfo"),
)


def imported_by(code: str) -> set[str]:
    ask = f"{code}\nimport sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=os.curdir)
    return set(done.stdout.split())


def test_importing_the_agent_loads_nothing_heavy() -> None:
    assert imported_by("import device_agent") == set()
    assert imported_by("from device_agent import Agent, Fix, CapabilityDenied, Granted, Denied") == set()


def test_an_agent_without_areas_and_schemas_loads_nothing_heavy(bench: Bench) -> None:
    agent = bench.granting(quota={"id": "q", "uses": 100, "anchor": 0}, authority={"required": False})
    agent.close()
    manifest, key = bench.manifest.sign(bench.exporter.vendor), bench.exporter.vendor.key.jwk
    folder = str(bench.folder / "agent")
    code = f"""
from device_agent import Agent
with Agent.open({folder!r}, manifest={manifest!r}, vendor_key={key!r}, sync_every=None) as agent:
    assert agent.enrolled, agent.status().to_json()
    agent.decide({CAPABILITY!r})
"""
    assert imported_by(code) == set()


def test_every_public_name_is_there_and_no_other() -> None:
    import device_agent

    for name in device_agent.__all__:
        assert getattr(device_agent, name).__name__ == name
    assert dir(device_agent) == sorted(device_agent.__all__)
    with pytest.raises(AttributeError):
        _ = device_agent.NoSuchName


def test_a_failing_background_step_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker("interlock-test", lambda: 1 / 0)
    worker.ensure()
    eventually(lambda: "interlock-test" in caplog.text)
    worker.stop()
    worker.join(2)
    assert threads() == []


def test_what_is_to_begin_later_begins_at_once_when_it_is_woken() -> None:
    stepped = threading.Event()

    def step() -> float:
        stepped.set()
        return 60.0

    worker = Worker("interlock-later", step, first=60.0)
    worker.ensure()
    assert not stepped.wait(0.1)
    worker.wake()
    assert stepped.wait(5)
    worker.stop()
    worker.join(5)
    assert threads() == []
