"""Quotas as a product meets them: uses come in blocks, and no block gives one use more than the quota."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from device_agent import Agent, CapabilityDenied, Granted
from tests.agent.bench import Bench, denial
from tests.simulators.exporter import CAPABILITY, ISSUED, grant

HOUR = 3600
OTHER = "av.record"


def quota(uses: int, **changes: Any) -> dict[str, Any]:
    return {"quota": {"id": "q", "uses": uses, "anchor": 0} | changes}


def use(agent: Agent, times: int, capability: str = CAPABILITY) -> int:
    """Use a capability so often, or until it is denied; return how often it was granted."""
    for done in range(times):
        try:
            with agent.use(capability):
                pass
        except CapabilityDenied:
            return done
    return times


@contextmanager
def database(bench: Bench) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(bench.folder / "agent" / "agent.db", isolation_level=None)
    yield connection
    connection.close()


def taken(bench: Bench, id: str = "q") -> int:
    """Return what the disk says is spent."""
    with database(bench) as connection:
        row = connection.execute("SELECT used FROM quota WHERE id = ?", (id,)).fetchone()
        return 0 if row is None else int(row[0])


def counted(bench: Bench) -> dict[str, int]:
    with database(bench) as connection:
        return dict(connection.execute("SELECT capability, uses FROM usage WHERE uses > 0"))


def test_a_quota_gives_exactly_its_uses(bench: Bench) -> None:
    agent = bench.granting(**quota(1000))
    assert use(agent, 2000) == 1000
    assert denial(agent) == "quota.exhausted"
    agent.close()
    assert (taken(bench), counted(bench)) == (1000, {CAPABILITY: 1000})


def test_a_small_quota_is_taken_use_by_use(bench: Bench) -> None:
    agent = bench.granting(**quota(20))
    for done in range(20):
        assert use(agent, 1) == 1
        assert taken(bench) == done + 1


def test_a_block_is_never_larger_than_what_was_used_or_a_share_of_what_is_left(bench: Bench) -> None:
    agent = bench.granting(**quota(10_000))
    changes = 0
    for done in range(1, 10_001):
        before = taken(bench) if done % 97 == 0 or done < 1100 else None
        assert use(agent, 1) == 1
        if before is None:
            continue
        held = taken(bench) - done
        changes += taken(bench) != before
        assert 0 <= held <= min(255, done, (10_000 - done) // 8)
    assert changes < 40


def test_a_product_that_asks_slowly_holds_nothing_in_vain(bench: Bench) -> None:
    agent = bench.granting(**quota(1000))
    for done in range(1, 10):
        assert use(agent, 1) == 1
        bench.clock.pass_time(2)
        assert taken(bench) == done


def test_what_lies_idle_is_given_back(bench: Bench) -> None:
    agent = bench.granting(**quota(10_000))
    use(agent, 70)
    assert taken(bench) > 70
    bench.clock.pass_time(1.5)
    agent.sync()
    assert use(agent, 1) == 1
    agent.sync()
    assert taken(bench) > 71, "it was used meanwhile"
    for _ in range(2):
        bench.clock.pass_time(1.5)
        agent.sync()
    assert taken(bench) == 71
    assert use(agent, 20_000) == 10_000 - 71


def test_what_is_left_at_the_end_is_given_back_once(bench: Bench) -> None:
    agent = bench.granting(**quota(10_000))
    use(agent, 70)
    kept = agent.use(CAPABILITY)
    agent.close()
    agent.close()
    assert (taken(bench), counted(bench)) == (70, {CAPABILITY: 70})
    with pytest.raises(CapabilityDenied) as refused, kept:
        pass
    assert refused.value.code == "agent.closed"
    assert taken(bench) == 70


def test_an_agent_that_never_closed_loses_its_block_and_no_more(bench: Bench) -> None:
    first = bench.granting(**quota(1000))
    use(first, 40)
    lost = taken(bench) - 40
    assert 0 < lost <= 40
    second = bench.open()
    assert use(second, 2000) == 1000 - 40 - lost


def test_two_agents_share_a_quota_and_what_one_gives_back_the_other_finds(bench: Bench) -> None:
    first = bench.granting(**quota(1000))
    second = bench.open()
    assert use(first, 100) == 100
    rest = use(second, 2000)
    held = 1000 - 100 - rest
    assert 0 < held <= 64
    assert denial(second) == "quota.exhausted"
    first.close()
    assert use(second, 2000) == held


def test_two_grants_share_a_quota_in_one_process(bench: Bench) -> None:
    limits = quota(1000)
    bench.server.grants = {CAPABILITY: grant(limits=limits), OTHER: grant(index=1, limits=limits)}
    agent = bench.enrolled()
    assert use(agent, 200) == 200
    assert use(agent, 5000, OTHER) == 800, "what lies in the other's block is not lost"
    assert denial(agent) == "quota.exhausted"
    agent.close()
    assert (taken(bench), counted(bench)) == (1000, {CAPABILITY: 200, OTHER: 800})


def test_a_grant_that_records_each_use_shares_its_quota_with_one_that_counts(bench: Bench) -> None:
    limits = quota(100)
    bench.server.grants = {CAPABILITY: grant(limits=limits), OTHER: grant(index=1, audit="each", limits=limits)}
    agent = bench.enrolled()
    assert use(agent, 30) == 30
    assert use(agent, 100, OTHER) == 70
    assert denial(agent) == denial(agent, OTHER) == "quota.exhausted"


def test_uses_that_nobody_counts_are_still_limited(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="none", limits=quota(100))}
    agent = bench.enrolled()
    assert use(agent, 200) == 100
    agent.close()
    assert counted(bench) == {}


def test_fewer_uses_in_a_new_entitlement_are_obeyed_at_once(bench: Bench) -> None:
    agent = bench.granting(**quota(10_000))
    assert use(agent, 300) == 300
    kept = agent.use(CAPABILITY)
    bench.server.grants = {CAPABILITY: grant(index=7, limits=quota(200))}
    agent.sync()
    with pytest.raises(CapabilityDenied), kept:
        pass
    assert denial(agent) == "quota.exhausted"
    agent.close()
    assert taken(bench) == 300


def test_more_uses_in_a_new_entitlement_come_on_top_of_what_was_used(bench: Bench) -> None:
    agent = bench.granting(**quota(100))
    assert use(agent, 60) == 60
    bench.server.grants = {CAPABILITY: grant(index=7, limits=quota(150))}
    agent.sync()
    assert use(agent, 200) == 90


def test_what_is_revoked_gives_its_block_back(bench: Bench) -> None:
    agent = bench.granting(**quota(10_000))
    use(agent, 70)
    bench.server.grants = {}
    for _ in range(3):
        agent.sync()
        bench.clock.pass_time(1.5)
    assert denial(agent) == "capability.stripped"
    assert taken(bench) == 70


def test_a_block_is_not_carried_over_into_the_next_window(bench: Bench) -> None:
    agent = bench.granting(**quota(1000, per="PT1H"))
    use(agent, 100)
    kept = agent.use(CAPABILITY)
    # 2027-01-15 08:16:40: the hour ends in 43:20.
    bench.clock.pass_time(44 * 60)
    with kept:
        pass
    assert taken(bench) == 1
    assert use(agent, 2000) == 999


def test_in_the_last_second_of_a_window_uses_are_still_its_own(bench: Bench) -> None:
    agent = bench.granting(**quota(1000, per="PT1H"))
    left = HOUR - (ISSUED + 1000) % HOUR
    bench.clock.pass_time(left - 0.5)
    assert use(agent, 100) == 100
    bench.clock.pass_time(0.4)
    assert use(agent, 100) == 100
    assert taken(bench) >= 200
    bench.clock.pass_time(0.2)
    assert use(agent, 2000) == 1000


def test_a_wall_clock_far_ahead_ends_no_window_and_stops_no_use(bench: Bench) -> None:
    bench.server.grants = {
        CAPABILITY: grant(
            freshness={"max_offline": 10**8, "max_silent": 10**8, "per_boot": False},
            limits=quota(1000, per="PT1H"),
        )
    }
    agent = bench.enrolled()
    agent.close()
    bench.clock.reboot(wall=bench.clock.read().wall + 30 * HOUR)
    again = bench.open()
    assert use(again, 400) == 400
    status = again.status()
    assert status.clock is not None
    assert status.clock.latest - status.clock.lower > 20 * HOUR
    bench.clock.pass_time(0.5)
    assert use(again, 2000) == 600


def test_deciding_needs_no_disk_while_a_block_lasts(bench: Bench) -> None:
    agent = bench.granting(**quota(10_000))
    use(agent, 70)
    held = taken(bench) - 70
    with database(bench) as other:
        other.execute("DROP TABLE quota")
    for _ in range(held):
        assert isinstance(agent.decide(CAPABILITY), Granted)
        with agent.use(CAPABILITY):
            pass
    assert denial(agent) == "store.unreadable"


def test_a_store_that_is_held_by_somebody_else_hands_nothing_out(bench: Bench) -> None:
    agent = bench.granting(**quota(1000))
    use(agent, 40)
    held = taken(bench) - 40
    with database(bench) as other:
        other.execute("BEGIN IMMEDIATE")
        assert use(agent, held) == held
        for _ in range(2):
            with pytest.raises(CapabilityDenied) as refused, agent.use(CAPABILITY):
                pass
            assert refused.value.code == "store.locked"
        other.execute("ROLLBACK")
    assert use(agent, 2000) == 1000 - 40 - held
    assert taken(bench) == 1000


def test_an_asynchronous_product_takes_from_the_same_block(bench: Bench) -> None:
    agent = bench.granting(**quota(200))

    async def product() -> int:
        async def once() -> bool:
            try:
                async with agent.use(CAPABILITY):
                    return True
            except CapabilityDenied:
                return False

        return sum(await asyncio.gather(*(once() for _ in range(300))))

    assert asyncio.run(product()) == 200


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads take turns in the middle of everything."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_share_every_block_and_none_gets_a_use_too_many(bench: Bench, eager_threads: None) -> None:
    agent, granted, begin = bench.granting(**quota(4000)), [0] * 8, threading.Barrier(9)

    def product(number: int) -> None:
        begin.wait()
        granted[number] = use(agent, 10_000)

    threads = [threading.Thread(target=product, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    begin.wait()
    while any(thread.is_alive() for thread in threads):
        # What lies idle is given back, and positions and news come, while all of them ask.
        bench.clock.pass_time(0.3)
        agent.sync()
    for thread in threads:
        thread.join()
    assert sum(granted) == 4000
    agent.close()
    told = sum(report.usage[CAPABILITY].uses for report in bench.server.received if CAPABILITY in report.usage)
    assert taken(bench) == 4000
    assert told + counted(bench).get(CAPABILITY, 0) == 4000
