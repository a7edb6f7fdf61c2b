"""Decides every use: from a prepared answer where one holds, else from what the device believes just now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import TypeVar

from device_agent.clock import Reading
from device_agent.enforcement import answer
from device_agent.enforcement.answer import Answer
from device_agent.enforcement.beliefs import LOOK_S, Beliefs, as_store_error
from device_agent.enforcement.footings import Footings
from device_agent.enforcement.gate import Door, Gate, Prepared
from device_agent.enforcement.gates import Gates
from device_agent.enforcement.grants import Grants
from device_agent.enforcement.moment import Moment
from device_agent.enforcement.recorder import Recorder
from device_agent.errors import CapabilityDenied, JournalFull
from device_agent.location import Sighting
from device_agent.store import Connection
from device_agent.store.connection import WAIT_S
from device_agent.trusted_state import State
from licensing_protocol.decision import CompiledGrant, Contact, Decision, Denied, Granted, Place
from licensing_protocol.grant import Audit
from licensing_protocol.reasons import Reason

T = TypeVar("T")


class Enforcer:
    """The device's rules at work. All methods can be called from any thread.

    ``gates`` are asked without a lock; whoever may change an answer takes the lock and shuts their doors. ``unsettled``
    is told the code of every reason for which a use was denied or degraded, because news from the exporter may settle
    it; ``looked`` is called after each look at the world. Neither may wait for anything.
    """

    def __init__(self, beliefs: Beliefs, unsettled: Callable[[str], None], looked: Callable[[], None]) -> None:
        self._beliefs = beliefs
        self._clock = beliefs.clock
        self._boottime = beliefs.clock.boottime_reader()
        self._unsettled = unsettled
        self._after_look = looked
        self._gated = beliefs.manifest.capabilities
        self._safety = {name: self._always_open(name) for name in beliefs.manifest.safety}
        self.gates = Gates(self._admit, self._safety)
        self._answers: dict[str, Answer] = {}
        self._grants = Grants(beliefs.manifest)
        self._recorder = Recorder(beliefs)
        self._sighting: Sighting | None = None
        self._sighted_in = ""
        self._footings = Footings()
        self._closed = False
        self._looked = -inf
        self._lock = threading.RLock()
        self._paused = False

    def decide(self, gate: Gate) -> Decision:
        """Decide the use of a gate without using anything up."""
        return gate.door.prepared.decide() or self._decide(gate)

    def standing(self, capability: str) -> Decision:
        """Return what stands of a capability whatever the single use is."""
        with self._lock:
            try:
                return self._answer(capability, self._clock.read()).decision
            except Exception as error:
                return Denied(capability, as_store_error(error).reason)

    def tell(self, capability: str, told: Callable[[Moment | Reason], T]) -> T:
        """Return what ``told`` makes of all that a decision rests on now, or of why the agent denies without looking.

        Nothing else is evaluated meanwhile: borders bear no two threads at once, which would end the process.
        """
        with self._lock:
            reading = self._clock.read()
            try:
                # Takes the look that is due, as for a decision.
                self._answer(capability, reading)
                moment = self._moment(capability, reading)
            except Exception as error:
                moment = as_store_error(error).reason
            return told(moment)

    def move(self, sighting: Sighting | None) -> None:
        """Take a new position, which is plausible; ``None`` where it is not known any more."""
        with self._lock:
            if self._sighted_in != self._beliefs.start:
                self._footings = Footings()
            self._sighting, self._sighted_in = sighting, self._beliefs.start
            for capability, held in list(self._answers.items()):
                if held.grant is not None and held.grant.depends_on_place:
                    del self._answers[capability]
                    self.gates.shut(capability)

    def refresh(self) -> None:
        """Look at the world now, as after news from the exporter."""
        with self._lock:
            self._look(self._clock.read())

    def flush(self) -> None:
        """Write what was counted, and give back what lies idle of quotas."""
        with self._lock:
            self._flush(self._clock.read())

    def close(self) -> None:
        """Deny everything but safety functions from now on; a use that waits for the store is not waited for."""
        self._closed = True
        self.gates.shut_all()

    def before_fork(self) -> None:
        """Let no evaluation be under way: what it loads for the first time would stay half loaded in the child."""
        self._paused = self._lock.acquire(timeout=WAIT_S)

    def after_fork(self) -> None:
        """Go on as before, in the parent."""
        if self._paused:
            self._lock.release()

    def forked(self) -> None:
        """Take note that this is a child process: its parent's locks and counts are not its own."""
        self._lock = threading.RLock()
        self._looked = -inf
        self._recorder.begin_process()
        self._forget()

    def _decide(self, gate: Gate) -> Decision:
        with self._lock:
            reading = self._clock.read()
            try:
                return self._settle(self._answer(gate.capability, reading), gate, reading)
            except Exception as error:
                return Denied(gate.capability, as_store_error(error).reason)

    def _admit(self, gate: Gate) -> Granted:
        with self._lock:
            reading = self._clock.read()
            try:
                decision = self._decide_use(gate, reading)
            except Exception as error:
                # Counted, and written when the store serves again.
                denied = Denied(gate.capability, as_store_error(error).reason)
                self._recorder.deny(denied, reading)
                raise CapabilityDenied(denied) from error
            if isinstance(decision, Denied):
                if self._recorder.deny(decision, reading) and self._recorder.problem is None:
                    self._flush(reading)
                raise CapabilityDenied(decision)
            return decision

    def _decide_use(self, gate: Gate, reading: Reading) -> Decision:
        held = self._answer(gate.capability, reading)
        if held.grant is not None and answer.needs_disk(held.grant):
            return self._use_on_disk(gate, reading)
        decision = self._settle(held, gate, reading)
        if held.grant is None or isinstance(decision, Denied):
            return decision
        block = self._recorder.block(held.grant, self._beliefs.bounds(reading).lower)
        return decision if block is None or block.hand_out() else self._use_on_disk(gate, reading)

    def _use_on_disk(self, gate: Gate, reading: Reading) -> Decision:
        """Decide, take and record in one transaction: what is granted is on disk before it is handed out."""
        try:
            with self._beliefs.renewed(reading) as (connection, changed):
                if changed:
                    self._forget()
                held = self._answer(gate.capability, reading, connection)
                decision = self._settle(held, gate, reading, connection)
                taken = None
                if isinstance(decision, Granted) and held.grant is not None:
                    taken = self._recorder.record(connection, held.grant, decision, gate.use, reading)
        except Exception:
            self._forget()
            raise
        # What was taken is on disk from here on.
        if taken is not None:
            self._recorder.fill(taken, reading)
        return decision

    def _settle(self, held: Answer, gate: Gate, reading: Reading, connection: Connection | None = None) -> Decision:
        decision = held.decision
        if held.grant is not None and not held.is_whole:
            lower = self._beliefs.bounds(reading).lower
            decision = held.on_use(gate.use, self._recorder.spent(held.grant, lower, connection), lower)
        if held.is_whole or (isinstance(decision, Granted) and decision == held.decision):
            self.gates.lead(gate)
        if decision.reason is not None:
            self._unsettled(decision.reason.code)
        return decision

    def _answer(self, capability: str, reading: Reading, connection: Connection | None = None) -> Answer:
        """Return an answer that holds at this moment, and open its capability's door for as long as it does."""
        if capability in self._safety:
            return Answer(Granted(capability))
        if self._closed:
            return answer.refused(capability, Reason("agent.closed"))
        if connection is None and not self._looked <= reading.boottime < self._looked + LOOK_S:
            self._look(reading)
        held = self._answers.get(capability)
        if held is None or reading.boottime >= held.until:
            held = self._evaluate(capability, reading, connection)
        if capability in self._gated:
            self._answers[capability] = held
            self._prepare(capability, held, reading)
        return held

    def _evaluate(self, capability: str, reading: Reading, connection: Connection | None) -> Answer:
        state = self._beliefs.state
        grant = self._grants.find(state.entitlement, capability)
        if isinstance(grant, Answer):
            return grant
        problem = self._unrecordable(grant)
        if problem is not None:
            return answer.refused(capability, problem)
        bounds = state.time.bounds(reading)
        before = self._footings.find(grant, reading.boottime)
        contact, sighting = state.contact(grant.grant), self._sighted(state)
        held = answer.evaluate(grant, contact, bounds, sighting, reading.boottime, before)
        self._footings.keep(grant, held.footing, reading.boottime)
        if answer.rests_on_wall_clock(held, bounds):
            self._beliefs.grant_schedule(reading, connection)
        return held

    def _moment(self, capability: str, reading: Reading) -> Moment | Reason:
        if self._closed:
            return Reason("agent.closed")
        state, bounds = self._beliefs.state, self._beliefs.bounds(reading)
        sighting = self._sighted(state)
        place = None if sighting is None else Place(sighting.fix, reading.boottime - sighting.boottime)
        held = None if state.entitlement is None else state.entitlement.grants.get(capability)
        contact = Contact() if held is None else state.contact(held)
        quota = None if held is None else held.limits.quota
        used = 0 if quota is None else self._recorder.used(quota, bounds.lower)
        found = self._grants.find(state.entitlement, capability)
        if isinstance(found, Answer):
            return Moment(state, bounds, place, contact, used, None, None)
        if place is not None:
            place = replace(place, before=self._footings.find(found, reading.boottime))
        return Moment(state, bounds, place, contact, used, found, self._unrecordable(found))

    def _sighted(self, state: State) -> Sighting | None:
        """Return the position, unless it is of another start: how old that is cannot be told."""
        return self._sighting if self._sighted_in == state.time.start else None

    def _unrecordable(self, grant: CompiledGrant) -> Reason | None:
        if grant.grant.audit is Audit.EACH and self._beliefs.journal_is_full:
            return JournalFull().reason
        return self._recorder.problem if grant.grant.audit is Audit.COUNT else None

    def _prepare(self, capability: str, held: Answer, reading: Reading) -> None:
        """Open the door of a capability for as long as its answer holds."""
        door = self.gates.door(capability, held.grant, held.is_whole)
        until, granted, block = min(held.until, self._looked + LOOK_S), None, None
        if held.grant is not None and isinstance(held.decision, Granted):
            if not answer.needs_disk(held.grant):
                granted = held.decision
                block = self._recorder.block(held.grant, self._beliefs.bounds(reading).lower)
            elif held.grant.grant.limits.quota is not None:
                until = -inf
        door.prepared = Prepared(self._boottime, self._looked, until, held.decision, granted, block)
        if self._closed:
            # Meanwhile, by another thread.
            door.shut()

    def _always_open(self, capability: str) -> Door:
        granted = Granted(capability)
        return Door(None, True, Prepared(self._boottime, -inf, inf, granted, granted))

    def _look(self, reading: Reading) -> None:
        if self._beliefs.look(reading):
            self._forget()
        self._looked = reading.boottime
        if self._recorder.due(reading):
            self._flush(reading)
        self._after_look()

    def _flush(self, reading: Reading) -> None:
        before = self._recorder.problem
        self._recorder.flush(reading, everything=self._closed)
        if self._recorder.problem != before:
            self._forget()

    def _forget(self) -> None:
        self._answers.clear()
        self.gates.shut_all()
