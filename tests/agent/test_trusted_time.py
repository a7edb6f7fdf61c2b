"""Trusted time, sentence by sentence (protocol §5)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent import journal
from device_agent.clock import Reading
from device_agent.store import Store
from device_agent.trusted_state import Created, State, TrustedTime, take_status_list, take_trust
from licensing_protocol.exchange import TrustUpdate
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.time_bounds import TimeBounds
from licensing_protocol.trust import Delegation
from tests.agent.machine import EXPORTER, SIGNER, SUBJECT, Machine
from tests.simulators.clock import SettableClock
from tests.simulators.exporter import ISSUED, URI, SimulatedExporter
from tests.simulators.memory import memory


def test_a_new_device_knows_only_when_its_root_was_made() -> None:
    machine = Machine()
    assert machine.look() == TimeBounds(ISSUED, None, ISSUED + 1000)
    machine.clock.pass_time(10.5)
    assert machine.look() == TimeBounds(ISSUED + 10, None, ISSUED + 1010)


def test_the_lower_bound_is_the_greatest_signed_time_plus_the_time_that_ran() -> None:
    machine = Machine()
    machine.fetch(ISSUED + 500, 1)
    machine.clock.pass_time(7)
    assert machine.look().lower == ISSUED + 507
    machine.fetch(ISSUED + 100, 2)
    assert machine.look().lower == ISSUED + 507


def test_at_a_start_the_mark_is_advanced_and_durable_before_anything_is_decided(tmp_path: Path) -> None:
    clock = SettableClock(ISSUED + 1000.0)
    store = Store.open(tmp_path)
    with store.write() as connection:
        EXPORTER.provision(connection, SUBJECT, SIGNER, clock.read())
    clock.reboot(boottime=5)
    with store.write() as connection:
        state = State.begin(connection, SUBJECT, clock.read())
    lower = state.time.bounds(clock.read()).lower
    assert lower == ISSUED + 60 + 5
    other = Store.open(tmp_path)
    with other.read() as connection:
        assert State.load(connection, SUBJECT).time.bounds(clock.read()).lower == lower
    store.close()
    other.close()


def test_each_boot_and_no_restart_of_a_process_is_journalled() -> None:
    machine = Machine()
    machine.start()
    machine.clock.reboot(10)
    machine.start()
    started = [event.data["boots"] for event in journal.unreceipted(machine.connection)]
    assert started == [1, 2]


def test_power_cycling_does_not_freeze_time() -> None:
    machine = Machine()
    before = machine.look().lower
    for _ in range(100):
        machine.clock.reboot(wall=ISSUED + 1000.0)
        machine.start()
    assert machine.look().lower >= before + 100 * 60


def test_a_process_that_begins_again_in_one_boot_knows_exactly_what_ran() -> None:
    machine = Machine()
    machine.clock.pass_time(30)
    machine.start()
    machine.start()
    assert machine.look().lower == ISSUED + 30


def test_the_mark_is_stored_every_minute() -> None:
    machine = Machine()
    assert not machine.state.time.due(machine.clock.pass_time(59))
    assert machine.state.time.due(machine.clock.pass_time(1))
    machine.look()
    assert not machine.state.time.due(machine.clock.read())


def test_only_a_receipt_for_evidence_of_this_boot_bounds_time_from_above() -> None:
    machine = Machine()
    earlier = machine.report()
    machine.clock.reboot(20)
    machine.start()
    assert machine.receive(ISSUED + 2000, earlier).upper is None
    assert machine.look().lower == ISSUED + 2000
    created = machine.report()
    machine.clock.pass_time(8)
    assert machine.receive(ISSUED + 2005, created) == TimeBounds(ISSUED + 2008, ISSUED + 2013, ISSUED + 2008)
    machine.clock.pass_time(10)
    assert machine.look().upper == ISSUED + 2023
    machine.start()
    assert machine.look().upper == ISSUED + 2023
    machine.clock.reboot(1)
    machine.start()
    assert machine.look().upper is None


def test_what_is_signed_is_never_undercut_between_two_seconds() -> None:
    machine = Machine(SettableClock(ISSUED + 1000.0, boottime=100.9))
    machine.fetch(ISSUED + 500, 1)
    assert machine.look().lower == ISSUED + 500
    machine.clock.pass_time(0.2)
    assert machine.look().lower == ISSUED + 500
    machine.start()
    machine.clock.pass_time(0.8)
    assert machine.look().lower == ISSUED + 501


def test_a_status_list_bounds_nothing_from_above() -> None:
    machine = Machine()
    machine.fetch(ISSUED + 500, 1)
    assert machine.look().upper is None


@pytest.mark.parametrize(("behind", "believed"), [(300, True), (301, False)])
def test_a_boot_that_begins_too_far_behind_the_mark(behind: int, believed: bool) -> None:
    machine = Machine()
    machine.fetch(ISSUED + 5000, 1)
    machine.clock.reboot(wall=ISSUED + 5000 - behind)
    machine.start()
    assert machine.wall_is_believed is believed
    expected = [] if believed else [("clock.rolled_back", {"against": "boot", "seconds": 301, "count": 1})]
    assert machine.events() == expected


def test_a_start_without_a_battery() -> None:
    machine = Machine(SettableClock(0.0))
    machine.clock.reboot(wall=0.0)
    machine.start()
    assert not machine.wall_is_believed
    assert [type for type, _ in machine.events()] == ["clock.rolled_back"]


@pytest.mark.parametrize("step", [61, -61, 3600, -3600])
def test_a_step_of_the_wall_clock(step: int) -> None:
    machine = Machine()
    machine.clock.jump(step)
    assert not machine.look().known
    assert machine.events() == [("clock.jumped", {"seconds": step, "count": 1})]
    machine.clock.pass_time(1)
    assert not machine.wall_is_believed
    assert len(machine.events()) == 1


@pytest.mark.parametrize("step", [60, -60])
def test_a_small_step_is_no_anomaly(step: int) -> None:
    machine = Machine()
    machine.clock.jump(step)
    assert machine.wall_is_believed
    assert machine.events() == []


def test_many_small_steps_are_a_large_one() -> None:
    machine = Machine()
    for _ in range(3):
        machine.clock.jump(25)
        machine.look()
    assert not machine.wall_is_believed


def test_a_wall_clock_behind_one_that_granted_a_schedule() -> None:
    machine = Machine()
    machine.grant_schedule()
    machine.clock.jump(-20)
    assert not machine.wall_is_believed
    assert machine.events() == [("clock.rolled_back", {"against": "schedule", "seconds": 20, "count": 1})]


def test_a_schedule_that_was_granted_is_remembered_over_a_restart() -> None:
    machine = Machine()
    machine.clock.jump(50)
    machine.grant_schedule()
    machine.clock.reboot(wall=ISSUED + 1000.0)
    machine.start()
    assert not machine.wall_is_believed


def test_a_restart_does_not_give_the_wall_clock_its_standing_back() -> None:
    machine = Machine()
    machine.clock.jump(-3600)
    machine.look()
    machine.clock.reboot(7200)
    machine.start()
    assert not machine.wall_is_believed


def test_a_receipt_for_this_boots_evidence_heals_the_wall_clock_and_an_older_one_does_not() -> None:
    machine = Machine()
    before = machine.report()
    machine.clock.reboot(10)
    machine.start()
    machine.clock.jump(-3600)
    assert not machine.wall_is_believed
    machine.receive(ISSUED + 2000, before)
    assert not machine.wall_is_believed
    machine.receive(ISSUED + 2000, machine.report())
    assert machine.wall_is_believed
    machine.state = machine.state.observe(machine.connection, machine.clock.pass_time(5))
    assert machine.wall_is_believed


def test_a_clock_set_far_ahead_denies_until_signed_time_and_never_moves_the_lower_bound() -> None:
    machine = Machine(SettableClock(ISSUED + 10.0**8))
    assert machine.look() == TimeBounds(ISSUED, None, ISSUED + 10**8)
    assert machine.look().latest == ISSUED + 10**8
    created = machine.report()
    machine.clock.pass_time(2)
    bounds = machine.receive(ISSUED + 1000, created)
    assert bounds == TimeBounds(ISSUED + 1000, ISSUED + 1002, ISSUED + 1002)
    machine.start()
    assert machine.look().latest == ISSUED + 1002


def test_a_signer_that_is_no_longer_trusted_takes_its_times_along() -> None:
    exporter = SimulatedExporter()
    stolen = exporter.signers[Delegation.STATUS]
    signer = SoftwareSigner.generate()
    subject = exporter.subject(signer.key)
    connection, clock = memory(), SettableClock(ISSUED + 10.0)
    state = exporter.provision(connection, subject, signer, clock.read())
    text = exporter.status_list(4_000_000_000, issued_at=ISSUED + 10**8, expires=2**40)
    state = take_status_list(connection, state, URI, text, clock.read()).state
    assert state.time.lower == ISSUED + 10**8
    exporter.replace_key(Delegation.STATUS)
    state = take_trust(connection, state, TrustUpdate(targets=exporter.targets()), signer, clock.read()).state
    assert state.time.lower == ISSUED
    assert stolen.key.thumbprint not in state.time.anchors
    taken = take_status_list(connection, state, URI, exporter.status_list(7), clock.read())
    assert taken.problem is None


def test_two_processes_see_one_jump_and_journal_it_once() -> None:
    machine = Machine()
    other = State.load(machine.connection, SUBJECT)
    reading = machine.clock.jump(600)
    machine.look()
    assert other.time.due(reading)
    other = other.observe(machine.connection, reading)
    assert other.time.bounds(reading).wall is None
    assert len(machine.events()) == 1


def test_a_reading_of_another_boot_is_taken_for_what_it_is() -> None:
    machine = Machine()
    machine.look()
    reading = machine.clock.reboot(100)
    assert machine.state.time.due(reading)
    assert machine.state.time.bounds(reading).lower == ISSUED + 60


def test_boottime_that_goes_back_within_a_boot_is_told_and_does_not_stop_time() -> None:
    machine = Machine(SettableClock(ISSUED + 1000.0, boottime=5000.0))
    before = machine.look().lower
    machine.clock.set_back(4000)
    assert machine.look().lower == before + 60
    assert machine.events() == [("clock.rolled_back", {"against": "boottime", "seconds": 4000, "count": 1})]
    machine.clock.pass_time(30)
    assert machine.look().lower == before + 90
    machine.start()
    assert machine.look().lower == before + 90
    assert len(machine.events()) == 1


def test_setting_boottime_back_again_and_again_freezes_nothing() -> None:
    machine = Machine(SettableClock(ISSUED + 1000.0, boottime=5000.0))
    before = machine.look().lower
    for _ in range(50):
        machine.clock.pass_time(59)
        machine.look()
        machine.clock.set_back(59)
        machine.look()
    assert machine.look().lower >= before + 50 * 59


@pytest.mark.parametrize(("behind", "is_told"), [(1.0, False), (1.1, True)])
def test_two_looks_that_come_in_the_other_order_are_no_anomaly(behind: float, is_told: bool) -> None:
    machine = Machine()
    machine.report()
    reading = replace(machine.clock.read(), boottime=machine.clock.read().boottime - behind)
    assert machine.state.time.due(reading) is is_told
    machine.state = machine.state.observe(machine.connection, reading)
    assert [type for type, _ in machine.events()] == ["clock.rolled_back"] * is_told


def test_where_the_wall_clock_did_not_go_back_too_it_loses_its_standing() -> None:
    stayed, went, little = (Machine(SettableClock(ISSUED + 1000.0, boottime=5000.0)) for _ in range(3))
    stayed.clock.set_back(61)
    assert not stayed.wall_is_believed
    went.clock.set_back(200)
    went.clock.jump(-200)
    assert went.wall_is_believed
    little.clock.set_back(60)
    assert little.wall_is_believed


def test_a_wall_clock_that_goes_back_with_boottime_is_held_against_what_is_known() -> None:
    machine = Machine(SettableClock(ISSUED + 1000.0, boottime=5000.0))
    machine.fetch(ISSUED + 1000, 1)
    machine.clock.set_back(400)
    machine.clock.jump(-400)
    assert not machine.wall_is_believed
    assert [data for _, data in machine.events()] == [
        {"against": "boottime", "seconds": 400, "count": 1},
        {"against": "boot", "seconds": 400, "count": 1},
    ]


def test_an_upper_bound_does_not_outlive_boottime_that_went_back() -> None:
    machine = Machine(SettableClock(ISSUED + 1000.0, boottime=5000.0))
    earlier = machine.report()
    assert machine.receive(ISSUED + 1000, earlier).upper == ISSUED + 1000
    machine.clock.set_back(4000)
    assert machine.look().upper is None
    # Evidence from before says nothing of how long ago it was made, however far BOOTTIME has come since.
    machine.clock.pass_time(4500)
    assert machine.receive(ISSUED + 1001, earlier).upper is None
    assert not machine.wall_is_believed
    later = machine.report()
    assert machine.receive(ISSUED + 6000, later) == TimeBounds(ISSUED + 6000, ISSUED + 6000, ISSUED + 6000)
    assert machine.wall_is_believed


def test_two_processes_see_boottime_go_back_once() -> None:
    machine = Machine(SettableClock(ISSUED + 1000.0, boottime=5000.0))
    machine.receive(ISSUED + 1000, machine.report())
    other = State.load(machine.connection, SUBJECT)
    reading = machine.clock.set_back(4000)
    lower = machine.look().lower
    assert other.time.due(reading)
    other = other.observe(machine.connection, reading)
    assert other.time.bounds(reading) == TimeBounds(lower)
    assert len(machine.events()) == 1


MOMENTS = st.floats(0, 5000)
ACTS = st.one_of(
    st.tuples(st.just("pass"), MOMENTS),
    st.tuples(st.just("jump"), st.floats(-(10**9), 10**9)),
    st.tuples(st.just("set_back"), MOMENTS),
    st.tuples(st.just("reboot"), MOMENTS),
    st.tuples(st.just("reboot_at"), st.floats(0, 4 * 10**9)),
    st.tuples(st.just("restart"), st.just(0.0)),
    st.tuples(st.just("list"), st.floats(-5000, 10**6)),
    st.tuples(st.just("report"), st.just(0.0)),
    st.tuples(st.just("receipt"), st.floats(-5000, 10**6)),
    st.tuples(st.just("schedule"), st.just(0.0)),
)


@settings(deadline=None)
@given(st.lists(ACTS, max_size=30))
def test_the_lower_bound_never_falls(acts: list[tuple[str, float]]) -> None:
    machine = Machine()
    created, lower = machine.report(), machine.look().lower
    for sequence, (act, amount) in enumerate(acts, 1):
        if act == "pass":
            machine.clock.pass_time(amount)
        elif act == "jump":
            machine.clock.jump(amount)
        elif act == "set_back":
            machine.clock.set_back(amount)
        elif act == "reboot":
            machine.clock.reboot(amount, boottime=amount % 97)
        elif act == "reboot_at":
            machine.clock.reboot(wall=amount)
        elif act == "restart":
            machine.start()
        elif act == "list":
            machine.fetch(ISSUED + int(amount), sequence)
        elif act == "report":
            created = machine.report()
        elif act == "receipt":
            machine.receive(ISSUED + int(amount), created)
        else:
            machine.grant_schedule()
        bounds = machine.look()
        assert bounds.lower >= lower
        assert bounds.upper is None or bounds.upper >= bounds.lower
        assert bounds.wall is None or bounds.wall >= bounds.lower
        lower = bounds.lower


@settings(deadline=None)
@given(st.floats(0, 10**7), st.floats(0, 10**6), st.floats(0, 10**6))
def test_the_interval_holds_the_true_time(boottime: float, waited: float, ran: float) -> None:
    time, _ = TrustedTime.first(ISSUED, Reading(ISSUED + 5.0, boottime, "b"))
    answered = Reading(ISSUED + 5 + waited, boottime + waited, "b")
    time = time.confirm(ISSUED + 5 + int(waited / 2), "kid", Created(time.start, int(boottime)), answered)
    now = Reading(answered.wall + ran, answered.boottime + ran, "b")
    bounds = time.bounds(now)
    assert bounds.upper is not None
    truth = ISSUED + 5 + waited + ran
    # The receipt's ``iat`` is in whole seconds, and so is the upper bound.
    assert bounds.lower - 0.01 <= truth <= bounds.upper + 1
