"""Decides every use: from a prepared answer where one holds, else from what the device believes just now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from math import inf

from device_agent.clock import Reading
from device_agent.enforcement import answer, quotas, records
from device_agent.enforcement.answer import Answer
from device_agent.enforcement.beliefs import LOOK_S, Beliefs, as_store_error
from device_agent.enforcement.footings import Footings
from device_agent.enforcement.gate import NOTHING_SAID, Gate, Prepared, PreparedGate
from device_agent.enforcement.grants import Grants
from device_agent.enforcement.moment import Moment
from device_agent.enforcement.recorder import Recorder
from device_agent.errors import CapabilityDenied
from device_agent.location import Sighting
from device_agent.store import Connection
from device_agent.trusted_state import State
from licensing_protocol.decision import CompiledGrant, Contact, Decision, Denied, Granted, Place, Use
from licensing_protocol.grant import Audit
from licensing_protocol.limits import Quota
from licensing_protocol.reasons import Reason


class Enforcer:
    """The device's rules at work. All methods can be called from any thread.

    ``_prepared`` holds a gate for each capability without a quota. It is read without a lock; whoever may change
    an answer takes the lock and empties it. ``unsettled`` is told the code of every reason for which a use was denied
    or degraded, because news from the exporter may settle it; ``looked`` is called after each look at the world.
    Neither may wait for anything.
    """

    def __init__(self, beliefs: Beliefs, unsettled: Callable[[str], None], looked: Callable[[], None]) -> None:
        self._beliefs = beliefs
        self._clock = beliefs.clock
        self._boottime = beliefs.clock.boottime
        self._unsettled = unsettled
        self._after_look = looked
        self._gated = beliefs.manifest.capabilities
        self._safety = {name: self._always_open(name) for name in beliefs.manifest.safety}
        self._prepared = dict(self._safety)
        self._answers: dict[str, Answer] = {}
        self._grants = Grants(beliefs.manifest)
        self._recorder = Recorder(beliefs)
        self._sighting: Sighting | None = None
        self._sighted_in = ""
        self._footings = Footings()
        self._closed = False
        self._looked = -inf
        self._lock = threading.RLock()

    def decide(self, capability: str, use: Use) -> Decision:
        """Decide one use without using anything up."""
        gate = self._prepared.get(capability)
        if gate is not None and gate.prepared.covers(use):
            return gate.prepared.decision
        with self._lock:
            reading = self._clock.read()
            try:
                return self._settle(self._answer(capability, reading), use, reading)
            except Exception as error:
                return Denied(capability, as_store_error(error).reason)

    def standing(self, capability: str) -> Decision:
        """Return what stands of a capability whatever the single use is."""
        with self._lock:
            try:
                return self._answer(capability, self._clock.read()).decision
            except Exception as error:
                return Denied(capability, as_store_error(error).reason)

    def moment(self, capability: str) -> Moment | Reason:
        """Return what a decision on a capability rests on now, or why the agent denies without looking at anything."""
        with self._lock:
            reading = self._clock.read()
            try:
                # Takes the look that is due, as for a decision.
                self._answer(capability, reading)
                return self._moment(capability, reading)
            except Exception as error:
                return as_store_error(error).reason

    def gate(self, capability: str, use: Use) -> Gate:
        """Return the way into one use."""
        gate = self._prepared.get(capability)
        if gate is None:
            return Gate(self._admit, capability, use)
        return gate if use is NOTHING_SAID else gate.saying(use)

    def move(self, sighting: Sighting | None) -> None:
        """Take a new position, which is plausible; ``None`` where it is not known any more."""
        with self._lock:
            if self._sighted_in != self._beliefs.start:
                self._footings = Footings()
            self._sighting, self._sighted_in = sighting, self._beliefs.start
            for capability, held in list(self._answers.items()):
                if held.grant is not None and held.grant.depends_on_place:
                    del self._answers[capability]
                    self._prepared.pop(capability, None)

    def refresh(self) -> None:
        """Look at the world now, as after news from the exporter."""
        with self._lock:
            self._look(self._clock.read())

    def flush(self) -> None:
        """Write what was counted."""
        with self._lock:
            self._flush(self._clock.read())

    def close(self) -> None:
        """Deny everything but safety functions from now on."""
        with self._lock:
            self._closed = True
            self._forget()

    def forked(self) -> None:
        """Take note that this is a child process: its parent's locks and counts are not its own."""
        self._lock = threading.RLock()
        self._looked = -inf
        self._recorder.begin_process()
        self._forget()

    def _admit(self, capability: str, use: Use) -> Granted:
        with self._lock:
            reading = self._clock.read()
            try:
                decision = self._decide_use(capability, use, reading)
            except Exception as error:
                # Counted, and written when the store serves again.
                denied = Denied(capability, as_store_error(error).reason)
                self._recorder.deny(denied, reading)
                raise CapabilityDenied(denied) from error
            if isinstance(decision, Denied):
                if self._recorder.deny(decision, reading) and self._recorder.problem is None:
                    self._flush(reading)
                raise CapabilityDenied(decision)
            return decision

    def _decide_use(self, capability: str, use: Use, reading: Reading) -> Decision:
        held = self._answer(capability, reading)
        if held.grant is not None and answer.needs_disk(held.grant):
            return self._use_on_disk(capability, use, reading)
        decision = self._settle(held, use, reading)
        if isinstance(decision, Granted) and decision.audit is Audit.COUNT:
            self._recorder.tick(capability)()
        return decision

    def _use_on_disk(self, capability: str, use: Use, reading: Reading) -> Decision:
        """Decide, take and record in one transaction: what is granted is on disk before it is handed out."""
        try:
            with self._beliefs.renewed(reading) as (connection, changed):
                if changed:
                    self._forget()
                held = self._answer(capability, reading, connection)
                decision = self._settle(held, use, reading, connection)
                if isinstance(decision, Granted) and held.grant is not None:
                    self._record(connection, held.grant, decision, use, reading)
            return decision
        except Exception:
            self._forget()
            raise

    def _record(
        self, connection: Connection, grant: CompiledGrant, granted: Granted, use: Use, reading: Reading
    ) -> None:
        bounds = self._beliefs.bounds(reading)
        if grant.grant.limits.quota is not None:
            quotas.take(connection, grant.grant.limits.quota, bounds.lower)
        if granted.audit is not Audit.NONE:
            records.count(connection, {granted.capability: 1}, {})
        if granted.audit is Audit.EACH:
            records.used(connection, granted, use, bounds, reading.boot)

    def _settle(self, held: Answer, use: Use, reading: Reading, connection: Connection | None = None) -> Decision:
        decision = held.decision
        if held.grant is not None and not held.is_whole:
            quota = held.grant.grant.limits.quota
            used, lower = (0, 0) if quota is None else self._spent(quota, reading, connection)
            decision = held.on_use(use, used, lower)
            if quota is None and isinstance(decision, Granted):
                held.familiar.keep(use)
        if decision.reason is not None:
            self._unsettled(decision.reason.code)
        return decision

    def _spent(self, quota: Quota, reading: Reading, connection: Connection | None) -> tuple[int, int]:
        """Return the uses taken from the current window, and the lower bound of time that tells the window."""
        lower = self._beliefs.bounds(reading).lower
        if connection is not None:
            return quotas.used(connection, quota, lower), lower
        with self._beliefs.store.read() as fresh:
            return quotas.used(fresh, quota, lower), lower

    def _answer(self, capability: str, reading: Reading, connection: Connection | None = None) -> Answer:
        """Return an answer that holds at this moment, and prepare the gate of one without a quota."""
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
            if held.grant is None or held.grant.grant.limits.quota is None:
                self._prepared[capability] = self._prepare(capability, held)
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
        used = 0 if quota is None else self._spent(quota, reading, None)[0]
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
        return self._recorder.problem if grant.grant.audit is Audit.COUNT else None

    def _prepare(self, capability: str, held: Answer) -> PreparedGate:
        granted = held.decision if isinstance(held.decision, Granted) else None
        if granted is not None and granted.audit is Audit.EACH:
            granted = None
        prepared = Prepared(
            boottime=self._boottime,
            decision=held.decision,
            since=self._looked,
            until=min(held.until, self._looked + LOOK_S),
            granted=granted,
            tick=self._recorder.tick(capability) if granted is not None and granted.audit is Audit.COUNT else None,
            familiar=None if held.is_whole else held.familiar,
        )
        return PreparedGate(self._admit, capability, NOTHING_SAID, prepared)

    def _always_open(self, capability: str) -> PreparedGate:
        granted = Granted(capability)
        return PreparedGate(
            self._admit, capability, NOTHING_SAID, Prepared(self._boottime, granted, -inf, inf, granted)
        )

    def _look(self, reading: Reading) -> None:
        if self._beliefs.look(reading):
            self._forget()
        self._looked = reading.boottime
        if self._recorder.due(reading):
            self._flush(reading)
        self._after_look()

    def _flush(self, reading: Reading) -> None:
        before = self._recorder.problem
        self._recorder.flush(reading)
        if self._recorder.problem != before:
            self._forget()

    def _forget(self) -> None:
        self._answers.clear()
        self._prepared.clear()
        self._prepared.update(self._safety)
