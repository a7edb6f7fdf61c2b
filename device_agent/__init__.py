"""The device agent: embedded in a product, it decides, enforces, measures, journals and reports.

::

    from device_agent import Agent

    agent = Agent.open(folder, manifest=manifest, vendor_key=vendor_key)
    with agent.use("face.verify_1to1", authority="W-2026/0412"):
        ...

What is named here is loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device_agent.agent import Agent
    from device_agent.agent.status import AgentStatus
    from device_agent.errors import AgentError, CapabilityDenied
    from device_agent.location import LocationSource, Observation
    from licensing_protocol.decision import Denied, Granted
    from licensing_protocol.explanation import Explanation
    from licensing_protocol.languages import Language
    from licensing_protocol.limits import Fix

__all__ = [
    "Agent",
    "AgentError",
    "AgentStatus",
    "CapabilityDenied",
    "Denied",
    "Explanation",
    "Fix",
    "Granted",
    "Language",
    "LocationSource",
    "Observation",
]

_HOMES = {
    "Agent": "device_agent.agent",
    "AgentError": "device_agent.errors",
    "AgentStatus": "device_agent.agent.status",
    "CapabilityDenied": "device_agent.errors",
    "Denied": "licensing_protocol.decision",
    "Explanation": "licensing_protocol.explanation",
    "Fix": "licensing_protocol.limits",
    "Granted": "licensing_protocol.decision",
    "Language": "licensing_protocol.languages",
    "LocationSource": "device_agent.location",
    "Observation": "device_agent.location",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
