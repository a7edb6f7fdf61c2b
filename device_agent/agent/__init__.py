"""The agent as a product embeds it: it delegates to the rooms below, and looks after its own threads."""

from __future__ import annotations

from device_agent.agent.agent import Agent
from device_agent.agent.status import AgentStatus

__all__ = ["Agent", "AgentStatus"]
