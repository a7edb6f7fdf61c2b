"""Trusted time against a world that knows the true time (protocol §5).

Whoever owns the device switches it off and on, sets its clocks as they like and holds documents back; the exporter is
honest, and changes its keys. What a device then believes is held against the truth.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device_agent.trusted_state import Created
from licensing_protocol.keys import SoftwareSigner
from tests.agent.machine import Machine
from tests.simulators.clock import SettableClock
from tests.simulators.exporter import ISSUED, SimulatedExporter

FLUSH_S = 60
# Whole seconds are cut off from signed times.
CUT_S = 1


class TrustedTimeModel(RuleBasedStateMachine):
    """``truth`` is the time; ``ran`` how long the device has been running in all, and ``starts`` how often it began."""

    def __init__(self) -> None:
        super().__init__()
        exporter, signer = SimulatedExporter(), SoftwareSigner.generate()
        subject = exporter.subject(signer.key)
        self.clock = SettableClock(ISSUED + 1000.0, boottime=50.0)
        self.machine = Machine(self.clock, subject=subject, exporter=exporter, signer=signer)
        self.truth, self.ran, self.starts = ISSUED + 1000.0, 0.0, 0
        self.lower = self.sequence = 0
        self.evidence: tuple[Created, float] | None = None

    @rule(seconds=st.floats(0, 5000))
    def run(self, seconds: float) -> None:
        self.clock.pass_time(seconds)
        self.truth += seconds
        self.ran += seconds

    @rule(off=st.floats(0, 10**6), shown=st.none() | st.floats(0, 4 * 10**9), boottime=st.floats(0, 90))
    def switch_off_and_on(self, off: float, shown: float | None, boottime: float) -> None:
        self.clock.reboot(wall=self.truth + off if shown is None else shown, boottime=boottime)
        self.truth += off + boottime
        self.starts += 1
        self.machine.start()

    @rule(seconds=st.floats(1, 59))
    def power_cycle_before_a_mark_is_stored(self, seconds: float) -> None:
        self.run(seconds)
        self.machine.look()
        self.switch_off_and_on(off=0.0, shown=None, boottime=0.0)

    @rule()
    def begin_another_process(self) -> None:
        self.machine.start()

    @rule(seconds=st.floats(-(10**9), 10**9))
    def set_the_wall_clock(self, seconds: float) -> None:
        self.clock.jump(seconds)

    @rule(seconds=st.floats(1.1, 5000), with_the_wall=st.booleans())
    def set_boottime_back(self, seconds: float, with_the_wall: bool) -> None:
        self.clock.set_back(seconds)
        self.clock.jump(-seconds if with_the_wall else 0)
        self.starts += 1

    @rule(age=st.floats(0, 5000))
    def bring_a_list(self, age: float) -> None:
        self.sequence += 1
        self.machine.fetch(max(ISSUED, int(self.truth - age)), self.sequence)

    @rule()
    def make_evidence(self) -> None:
        self.evidence = self.machine.report(), self.truth

    @precondition(lambda self: self.evidence is not None)
    @rule(share=st.floats(0, 1))
    def bring_a_receipt(self, share: float) -> None:
        assert self.evidence is not None
        created, since = self.evidence
        # It was signed at some moment since the evidence was made, and may have been held back since.
        issued_at = int(since + share * (self.truth - since))
        bounds = self.machine.receive(issued_at, created)
        if created.start == self.machine.state.time.start:
            # Signed time of this start heals whatever was done to the wall clock.
            assert bounds.wall is not None
            assert bounds.upper is not None
            assert bounds.latest <= bounds.upper

    @rule()
    def change_keys(self) -> None:
        self.machine.rotate()
        self.sequence = self.lower = 0

    @invariant()
    def the_lower_bound_never_falls_and_never_freezes(self) -> None:
        lower = self.machine.look().lower
        assert lower >= self.lower
        assert lower >= ISSUED + self.ran - CUT_S
        self.lower = lower

    @invariant()
    def nothing_is_believed_that_is_not_so(self) -> None:
        bounds = self.machine.look()
        # Each start may add what was perhaps not recorded before it.
        assert bounds.lower <= self.truth + FLUSH_S * self.starts + CUT_S
        assert bounds.upper is None or bounds.upper >= self.truth - CUT_S
        assert bounds.wall is None or bounds.lower <= bounds.wall <= (bounds.upper or bounds.wall)


TestTrustedTime = TrustedTimeModel.TestCase
TestTrustedTime.settings = settings(deadline=None, max_examples=30, stateful_step_count=25)
