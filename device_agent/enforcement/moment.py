"""All that one decision rests on, taken at one moment so that it can be explained."""

from __future__ import annotations

from dataclasses import dataclass

from device_agent.trusted_state import State
from licensing_protocol.decision import CompiledGrant, Contact, Place
from licensing_protocol.reasons import Reason
from licensing_protocol.time_bounds import TimeBounds


@dataclass(frozen=True, slots=True)
class Moment:
    """``compiled`` is there where nothing about the documents stands against the grant; ``used`` counts its quota's
    window. ``problem`` is why the agent itself denies, whatever the grant says.
    """

    state: State
    bounds: TimeBounds
    place: Place | None
    contact: Contact
    used: int
    compiled: CompiledGrant | None
    problem: Reason | None
