"""What is allowed just now, decided from memory: compiled grants, prepared answers, counted uses."""

from __future__ import annotations

from device_agent.enforcement.beliefs import Beliefs
from device_agent.enforcement.enforcer import Enforcer
from device_agent.enforcement.gate import Gate
from device_agent.enforcement.moment import Moment

__all__ = ["Beliefs", "Enforcer", "Gate", "Moment"]
