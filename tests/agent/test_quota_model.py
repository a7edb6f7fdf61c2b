"""Several processes on one quota, in any order of using, idling, closing, crashing, forking and failing disks."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from device_agent.enforcement import quotas
from device_agent.enforcement.reserves import MOST, Reserves
from licensing_protocol.canonical import JsonObject
from licensing_protocol.decision import CompiledGrant
from licensing_protocol.limits import Quota
from tests.agent.test_enforcement import grant
from tests.simulators.memory import memory

PROCESSES, WINDOW = 3, 100
processes = st.integers(0, PROCESSES - 1)
grants = st.integers(0, 1)
uses = st.sampled_from([1, 100, 200, 300])


def claims(uses: int) -> JsonObject:
    return {"id": "q", "uses": uses, "per": f"PT{WINDOW}S", "anchor": 0}


class SharedQuota(RuleBasedStateMachine):
    """Each process holds two grants of one quota, which another entitlement may change.

    ``handed_out`` counts what products got by window. ``lost`` is how much of it crashes can have lost at most.
    """

    def __init__(self) -> None:
        super().__init__()
        self.disk = memory()
        self.now = 1000.0
        self.processes = [Reserves() for _ in range(PROCESSES)]
        self.handed_out: Counter[int] = Counter()
        self.lost = 0
        self.reissue(200, 200)

    @property
    def lower(self) -> int:
        return int(self.now)

    def held(self, process: int) -> int:
        blocks = (self.processes[process].block(one, limit(one), self.lower) for one in self.grants)
        return sum(len(block.uses) for block in blocks)

    def taken(self) -> int:
        return quotas.standing(self.disk, limit(self.grants[0]), self.lower)[1]

    def use_once(self, process: int, one: CompiledGrant, failing: bool, durable: bool) -> bool | None:
        """Take one use as the enforcer does; ``None`` where the disk failed, which may have written all the same."""
        reserves, quota = self.processes[process], limit(one)
        if reserves.block(one, quota, self.lower).hand_out():
            return True
        self.disk.execute("SAVEPOINT transaction_")
        taken = None
        if reserves.gather(self.disk, quota, self.lower) < quota.uses:
            taken = reserves.take(self.disk, one, quota, self.lower, self.now)
        if failing and not durable:
            self.disk.execute("ROLLBACK TO transaction_")
        self.disk.execute("RELEASE transaction_")
        if failing:
            # What it took, and what it was about to give back.
            self.lost += 3 * MOST
            return None
        if taken is None:
            assert self.taken() >= quota.uses
            return False
        reserves.fill(taken, self.now)
        return True

    @rule(
        process=processes,
        which=grants,
        times=st.sampled_from([1, 60, 300]),
        failing=st.sampled_from([0, 0, 0, 1, 2]),
    )
    def use(self, process: int, which: int, times: int, failing: int) -> None:
        window, one = self.lower // WINDOW, self.grants[which]
        for _ in range(times):
            granted = self.use_once(process, one, failing > 0, failing > 1)
            if not granted:
                break
            self.handed_out[window] += 1
            assert self.handed_out[window] <= limit(one).uses

    @rule(seconds=st.sampled_from([0.4, 1.1, 60.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(first=uses, second=uses)
    def reissue(self, first: int, second: int) -> None:
        limits: list[dict[str, Any]] = [{"quota": claims(number)} for number in (first, second)]
        names = ("face.verify_1to1", "av.record")
        self.grants = [grant(capability=name, **one) for name, one in zip(names, limits, strict=True)]

    @rule(process=processes, how=st.sampled_from(["idles", "closes", "crashes", "forks"]))
    def pause(self, process: int, how: str) -> None:
        """A forked child begins with what its parent had in memory; here it goes on and the parent has died."""
        reserves = self.processes[process]
        if how == "crashes":
            self.lost += 2 * MOST
            self.processes[process] = Reserves()
        elif how == "forks":
            kept = [reserves.block(one, limit(one), self.lower) for one in self.grants]
            self.lost += 2 * MOST
            reserves.clear()
            assert not any(block.hand_out() for block in kept)
        else:
            if how == "idles":
                reserves.rest(self.now)
            else:
                reserves.retire()
            reserves.give_back(self.disk)

    @invariant()
    def no_use_is_handed_out_that_the_disk_does_not_know_of(self) -> None:
        handed_out = self.handed_out[self.lower // WINDOW]
        assert handed_out <= self.taken()

    def teardown(self) -> None:
        """Close all: what is then spent is what was handed out, and what was lost."""
        for process in range(PROCESSES):
            self.pause(process, "closes")
            assert self.held(process) == 0
        spent = self.taken() - self.handed_out[self.lower // WINDOW]
        assert 0 <= spent <= self.lost
        self.disk.close()


def limit(one: CompiledGrant) -> Quota:
    quota = one.grant.limits.quota
    assert quota is not None
    return quota


TestSharedQuota = SharedQuota.TestCase
TestSharedQuota.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
