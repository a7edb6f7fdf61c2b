"""The agent as a product embeds it: it delegates to the rooms below, and looks after its own threads."""

from __future__ import annotations

from device_agent.agent.agent import Agent

__all__ = ["Agent"]
