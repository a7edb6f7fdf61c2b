"""Several processes on one device: started apart, forked before use, killed in the middle."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.fleet import Fleet, said
from tests.simulators.exporter import CAPABILITY

PROCESSES = 4


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet.on_loopback(tmp_path) as made:
        yield made


def test_four_processes_share_one_quota(fleet: Fleet) -> None:
    fleet.granting(audit="each", limits={"quota": {"id": "q", "uses": 40, "anchor": 0}})
    code = "agent = opened(sync_every=None)\nwhile granted(): pass\nagent.close()"
    told = [said(process) for process in [fleet.start(code) for _ in range(PROCESSES)]]
    assert sum(lines.count("granted") for lines in told) == 40
    assert [lines[-1] for lines in told] == ["quota.exhausted"] * PROCESSES
    with fleet.agent() as agent:
        agent.sync()
    assert len(fleet.server.events("capability.used")) == 40
    fleet.is_whole()


def test_a_killed_process_refills_nothing(fleet: Fleet) -> None:
    fleet.granting(limits={"quota": {"id": "q", "uses": 30, "anchor": 0}})
    code = "agent = opened(sync_every=None)\nwhile granted(): time.sleep(0.01)"
    told = 0
    for stop_after in (3, 7, 100):
        process = fleet.start(code)
        assert process.stdout is not None
        for _ in range(stop_after):
            line = process.stdout.readline().strip()
            told += line == "granted"
            if line != "granted":
                break
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        told += rest.split().count("granted")
    assert told <= 30
    # What was taken and never handed out may be lost, at most one for each kill.
    assert told >= 28
    assert said(fleet.start(code)) == ["quota.exhausted"]


def test_children_forked_before_use_are_devices_of_their_parents_making(fleet: Fleet) -> None:
    fleet.granting()
    code = """
agent = opened(sync_every=1.0)
for _ in range(5):
    granted()
children = []
def synced():
    # On a busy machine five processes may keep the store from each other for longer than the agent waits.
    for _ in range(20):
        try:
            return agent.sync()
        except StoreLocked:
            pass
for _ in range(4):
    child = os.fork()
    if child == 0:
        assert threading.active_count() == 1
        for _ in range(10):
            granted()
        report = synced()
        names = {thread.name for thread in threading.enumerate()}
        tell("restarted" if {"interlock-sync", "interlock-watch"} <= names else str(names))
        time.sleep(0.5)
        agent.close()
        os._exit(0 if report.reached else 1)
    children.append(child)
print(*("ended" if os.waitpid(child, 0)[1] == 0 else "failed" for child in children), flush=True)
granted()
agent.close()
"""
    told = said(fleet.start(code))
    assert [told.count(word) for word in ("granted", "restarted", "ended")] == [46, 4, 4], told
    with fleet.agent() as agent:
        # The first may only send on what a process left behind when it ended.
        agent.sync()
        agent.sync()
    assert sum(report.usage[CAPABILITY].uses for report in fleet.server.received if report.usage) == 46
    fleet.is_whole()


def test_a_fork_in_the_middle_of_a_first_exchange_leaves_the_child_whole(fleet: Fleet) -> None:
    fleet.granting()
    # Forked again and again while other threads load what they need for the first time.
    code = """
for delay in range(12):
    parent = os.fork()
    if parent == 0:
        agent = opened(sync_every=None)
        threading.Thread(target=agent.sync, daemon=True).start()
        time.sleep(delay * 0.002)
        child = os.fork()
        if child == 0:
            agent.sync()
            granted()
            os._exit(0)
        os._exit(os.waitpid(child, 0)[1])
    os.waitpid(parent, 0)
"""
    assert said(fleet.start(code)).count("granted") == 12
    fleet.is_whole()


def test_forks_while_other_threads_open_agents(fleet: Fleet) -> None:
    fleet.granting()
    code = """
agent = opened(sync_every=None)
opening = True

def open_and_close():
    while opening:
        opened(sync_every=None).close()

threads = [threading.Thread(target=open_and_close) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(15):
    child = os.fork()
    if child == 0:
        granted()
        os._exit(0)
    os.waitpid(child, 0)
opening = False
for thread in threads:
    thread.join()
"""
    assert said(fleet.start(code)).count("granted") == 15


def test_a_use_is_recorded_when_the_process_is_killed_in_its_middle(fleet: Fleet) -> None:
    fleet.granting(audit="each")
    code = f"""
agent = opened(sync_every=None)
granted()
with agent.use({CAPABILITY!r}):
    tell("granted")
    os.kill(os.getpid(), 9)
"""
    assert [said(fleet.start(code)) for _ in range(3)] == [["granted", "granted"]] * 3
    with fleet.agent() as agent:
        agent.sync()
    assert len(fleet.server.events("capability.used")) == 6
    fleet.is_whole()


def test_a_product_that_ends_without_closing_loses_no_counts(fleet: Fleet) -> None:
    fleet.granting(audit="count")
    process = fleet.start("agent = opened(sync_every=1000.0)\nfor _ in range(7): granted()")
    assert said(process).count("granted") == 7
    assert process.returncode == 0
    with fleet.agent() as agent:
        agent.sync()
    assert sum(report.usage[CAPABILITY].uses for report in fleet.server.received if report.usage) == 7


def test_processes_that_report_at_once_and_are_killed_never_fork_the_device(fleet: Fleet) -> None:
    fleet.granting(audit="each")
    code = """
agent = opened(sync_every=None)
while granted():
    agent.sync()
"""
    processes = [fleet.start(code) for _ in range(PROCESSES)]
    while len(fleet.server.received) < 10:
        time.sleep(0.02)
    for number, process in enumerate(processes):
        process.send_signal(signal.SIGKILL)
        goal = len(fleet.server.received) + 3
        while number < PROCESSES - 1 and len(fleet.server.received) < goal:
            time.sleep(0.02)
    told = sum(said(process).count("granted") for process in processes)
    with fleet.agent() as agent:
        assert agent.sync().unreported == 0
    fleet.is_whole()
    assert len(fleet.server.events("capability.used")) >= told


def test_a_revocation_that_one_process_fetches_is_obeyed_by_all(fleet: Fleet) -> None:
    fleet.granting(audit="none")
    code = "agent = opened(sync_every=None)\nwhile granted(): time.sleep(0.02)\nagent.close()"
    processes = [fleet.start(code) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "granted\n"
    fleet.server.grants = {}
    with fleet.agent() as agent:
        agent.sync()
    assert [said(process)[-1] for process in processes] == ["capability.stripped"] * 2
