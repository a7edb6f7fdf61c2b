"""Whatever a power cut leaves of what was not synced, and whatever the disk refuses: the log keeps what it said.

``INTERLOCK_SOAK_S`` and ``INTERLOCK_SEED`` are those of test_log_faults. A seed repeats what is chosen here, not the
random ids of what is recorded.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
import structlog

from licensing_protocol.log.merkle import root_hash
from tests.server.log_on_disk import LogServer, Made
from tests.server.log_reader import refuse_gaps
from tests.simulators.disk import SECTOR, Disk

SECONDS = float(os.environ.get("INTERLOCK_SOAK_S", "10")) / 4
REFUSALS = {"database.full", "database.unavailable"}
pytestmark = pytest.mark.timeout(SECONDS + 180)


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Log nothing: each fault would be a line."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made.make(tmp_path_factory.mktemp("made") / "data")


@pytest.fixture
def chosen() -> Random:
    seed = int(os.environ.get("INTERLOCK_SEED", secrets.randbelow(2**32)))
    _tell(f"INTERLOCK_SEED={seed}")
    return Random(seed)


def test_a_power_cut_takes_nothing_of_what_was_said(made: Made, tmp_path: Path, chosen: Random) -> None:
    tally = Counter[str]()
    for disk in _disks(chosen):
        with _serving(made, tmp_path, disk, chosen) as server:
            for _ in range(chosen.randint(1, 16)):
                _cut(server, disk, chosen)
                tally["power cuts"] += 1
                if chosen.random() < 0.7:
                    server.hold()
            tally["entries"] += server.hold()
            _count(tally, server)
    _tell(f"{dict(tally)}")


def test_a_disk_that_fails_takes_nothing_of_what_was_said(made: Made, tmp_path: Path, chosen: Random) -> None:
    tally, refused = Counter[str](), set[str]()
    for disk in _disks(chosen, lambda: refused == REFUSALS):
        with _serving(made, tmp_path, disk, chosen) as server:
            for _ in range(chosen.randint(1, 8)):
                disk.fault_rate = 2 ** -chosen.uniform(3, 9)
                if chosen.random() < 0.3:
                    _cut(server, disk, chosen)
                    tally["power cuts"] += 1
                else:
                    server.work(50)
                    # It goes on as it is, without a new start.
                    disk.fault_rate = 0.0
                server.hold()
            tally["faults"] += disk.faults
            tally["entries"] += server.hold()
            _count(tally, server)
            refused.update(server.refused)
            assert refused <= REFUSALS
    _tell(f"{dict(tally)}")


def test_a_disk_that_lies_about_its_syncs_is_found_out(made: Made, tmp_path: Path, chosen: Random) -> None:
    disk = Disk(chosen, lies=True)
    with _serving(made, tmp_path, disk, chosen) as server:

        def cut_and_hold() -> None:
            for _ in range(200):
                _cut(server, disk, chosen)
                server.hold()

        with pytest.raises(AssertionError):
            cut_and_hold()


def test_a_lost_head_is_noticed_and_nothing_is_signed_after_it(made: Made, tmp_path: Path, chosen: Random) -> None:
    tally = Counter[str]()
    while min(tally["noticed"], tally["nothing signed lost"]) < 3:
        disk = Disk(chosen, lies=True)
        with _serving(made, tmp_path, disk, chosen) as server:
            server.work(chosen.choice((0, 40)))
            server.settle()
            server.stop()
            disk.restart()
            server.start()
            # What has lost only its index gets the same one again.
            server.sequence()
            kept, leaves = server.kept_head(), refuse_gaps(server.database)
            assert kept is not None
            is_lost = kept.size > len(leaves) or root_hash(leaves[: kept.size]) != kept.root
            server.settle()
            assert server.is_open() is not is_lost
            tally["noticed" if is_lost else "nothing signed lost"] += 1
            if is_lost:
                server.work(20)
                assert server.kept_head() == kept
    _tell(f"{dict(tally)}")


def test_the_disk_of_these_tests_keeps_what_was_synced_and_anything_of_the_rest() -> None:
    left = set[bytes]()
    for seed in range(200):
        disk = Disk(Random(seed))
        file = disk.open("file")
        file.write(0, b"a" * 2 * SECTOR)
        file.sync()
        file.write(SECTOR, b"b" * 2 * SECTOR)
        disk.restart()
        content = file.read(0, 4 * SECTOR)
        assert content.startswith(b"a" * SECTOR)
        left.add(content[SECTOR:])
    old, new, none = (letter * SECTOR for letter in (b"a", b"b", b"\0"))
    assert {old, new + new, old + none, old + new, new} <= left
    assert any(set(found[:SECTOR]) == {*b"ab"} for found in left)


def _disks(chosen: Random, is_enough: Callable[[], bool] = lambda: True) -> Iterator[Disk]:
    """Yield one new disk after another until the time is over, and enough was seen."""
    end = time.monotonic() + SECONDS
    yield Disk(chosen)
    while time.monotonic() < end or not is_enough():
        yield Disk(chosen)


@contextmanager
def _serving(made: Made, folder: Path, disk: Disk, chosen: Random) -> Iterator[LogServer]:
    server = LogServer(made, folder / "life", disk, chosen)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder / "life")


def _cut(server: LogServer, disk: Disk, chosen: Random) -> None:
    """Let the server work, perhaps stop, let the power fail meanwhile or after it, and start on what is left."""
    disk.fail_after(int(2 ** chosen.uniform(0, 10)), only_changes=chosen.random() < 0.7)
    server.work(chosen.choice((5, 50, 500)))
    server.stop()
    disk.restart()
    server.start()


def _count(tally: Counter[str], server: LogServer) -> None:
    tally["acts acknowledged"] += len(server.said.acknowledged)
    tally["heads shown"] += len(server.said.shown)


def _tell(line: str) -> None:
    # Shown where a test fails, or is run with -s.
    sys.stdout.write(f"{line}\n")
