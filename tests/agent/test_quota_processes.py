"""Quotas shared by processes that are started apart, forked with blocks in hand, and killed."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device_agent.enforcement.reserves import MOST
from tests.agent.fleet import Fleet, said

PROCESSES = 4
USE = """
def use(gate):
    try:
        with gate:
            tell("granted")
            return True
    except CapabilityDenied as refused:
        tell(refused.code)
        return False
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet.on_loopback(tmp_path) as made:
        yield made


def taken(fleet: Fleet) -> int:
    """Return what the disk says is spent."""
    connection = sqlite3.connect(fleet.folder / "agent.db")
    (used,) = connection.execute("SELECT used FROM quota").fetchone()
    connection.close()
    return int(used)


def granting(fleet: Fleet, uses: int, audit: str = "count") -> None:
    fleet.granting(audit=audit, limits={"quota": {"id": "q", "uses": uses, "anchor": 0}})


@pytest.mark.parametrize("audit", ["none", "count"])
def test_processes_share_a_quota_to_the_last_use(fleet: Fleet, audit: str) -> None:
    granting(fleet, 3000, audit)
    code = "agent = opened(sync_every=None)\nwhile granted(): pass\nagent.close()"
    told = [said(process) for process in [fleet.start(code) for _ in range(PROCESSES)]]
    assert sum(lines.count("granted") for lines in told) == 3000
    assert [lines[-1] for lines in told] == ["quota.exhausted"] * PROCESSES
    assert taken(fleet) == 3000


def test_a_process_that_is_killed_loses_its_block_and_refills_nothing(fleet: Fleet) -> None:
    granting(fleet, 5000)
    code = "agent = opened(sync_every=None)\nwhile granted(): pass"
    told = lost = 0
    for stop_after in (1, 200, 1500):
        process = fleet.start(code)
        assert process.stdout is not None
        for _ in range(stop_after):
            assert process.stdout.readline() == "granted\n"
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        told += stop_after + rest.split().count("granted")
        before, lost = lost, taken(fleet) - told
        # One use more may have been handed out than it had time to tell.
        assert 0 <= lost - before <= MOST + 1
    end = said(fleet.start(code))
    assert end[-1] == "quota.exhausted"
    assert told + end.count("granted") == 5000 - lost


def test_children_inherit_no_uses_not_even_through_a_gate_that_the_product_kept(fleet: Fleet) -> None:
    granting(fleet, 20_000)
    code = (
        USE
        + """
import gc, sqlite3

def taken():
    connection = sqlite3.connect("file:" + folder + "?mode=ro", uri=True)
    (used,) = connection.execute("SELECT used FROM quota").fetchone()
    connection.close()
    return used

agent = opened(sync_every=None)
folder = str(agent._store._path)
gate = agent.use("face.verify_1to1")
for _ in range(100):
    use(gate)
tell("held:" + str(taken() - 100))
for number in range(3):
    child = os.fork()
    if child == 0:
        if number:
            # All that is left of the agent is what the gate holds.
            del agent
            gc.collect()
        before = taken()
        use(gate)
        tell("took:" + str(taken() - before))
        os._exit(0)
    os.waitpid(child, 0)
while use(gate):
    pass
agent.close()
"""
    )
    told = said(fleet.start(code))
    assert int(next(word for word in told if word.startswith("held:"))[5:]) > 0
    # The first use of a child is a block of one, on disk.
    assert [word for word in told if word.startswith("took:")] == ["took:1"] * 3
    assert told[-1] == "quota.exhausted"
    assert told.count("granted") == taken(fleet) == 20_000


def test_a_fork_while_other_threads_use_a_block_gives_no_use_twice(fleet: Fleet) -> None:
    granting(fleet, 4000)
    code = """
sys.setswitchinterval(1e-5)
agent = opened(sync_every=None)
threads = [threading.Thread(target=lambda: [None for _ in iter(granted, False)]) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(4):
    child = os.fork()
    if child == 0:
        for _ in range(50):
            granted()
        agent.close()
        os._exit(0)
    os.waitpid(child, 0)
for thread in threads:
    thread.join()
agent.close()
"""
    told = said(fleet.start(code))
    assert told.count("granted") == 4000
    assert taken(fleet) == 4000


def test_a_process_that_idles_gives_back_for_the_others(fleet: Fleet) -> None:
    granting(fleet, 2000)
    idle = fleet.start("""
agent = opened(sync_every=3600)
for _ in range(100):
    granted()
tell("idle")
time.sleep(100)
""")
    assert idle.stdout is not None
    while idle.stdout.readline() != "idle\n":
        pass
    deadline = time.monotonic() + 30
    while taken(fleet) != 100:
        assert time.monotonic() < deadline, taken(fleet)
        time.sleep(0.05)
    other = said(fleet.start("agent = opened(sync_every=None)\nwhile granted(): pass\nagent.close()"))
    assert other.count("granted") == 1900


def test_a_full_disk_hands_nothing_out(fleet: Fleet) -> None:
    granting(fleet, 2000)
    code = """
import resource, signal
agent = opened(sync_every=None)
for _ in range(40):
    granted()
tell("full")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
while granted():
    pass
granted()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
tell("room")
while granted():
    pass
agent.close()
"""
    told = said(fleet.start(code))
    full, room = told.index("full"), told.index("room")
    assert told[:full] == ["granted"] * 40
    # What was on disk already is handed out, and then nothing.
    assert 0 < told[full:room].count("granted") <= 40
    assert told[room - 2 : room] == ["store.full"] * 2
    assert told.count("granted") == 2000
    assert told[-1] == "quota.exhausted"
