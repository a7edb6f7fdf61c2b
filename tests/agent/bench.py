"""A device with its exporter in one process, and clocks that only a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device_agent import Agent
from device_agent.errors import CapabilityDenied
from licensing_protocol.decision import Denied, Granted
from licensing_protocol.manifest import Manifest
from tests.simulators.clock import SettableClock
from tests.simulators.exporter import CAPABILITY, ISSUED, SimulatedExporter, grant
from tests.simulators.responder import Responder


@dataclass
class Bench:
    """One device on a bench: its folder, clock and exporter, and the agents that were opened on it."""

    folder: Path
    exporter: SimulatedExporter = field(default_factory=SimulatedExporter)
    clock: SettableClock = field(default_factory=lambda: SettableClock(wall=ISSUED + 1000.0))
    manifest_changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lay out the product and its server."""
        self.manifest: Manifest = self.exporter.manifest(**self.manifest_changes)
        self.truth = self.clock.read().wall - self.clock.read().boottime
        self.server = Responder(self.manifest, self.exporter, lambda: int(self.truth + self.clock.boottime()))
        self.agents: list[Agent] = []

    def open(self, **options: Any) -> Agent:
        """Open an agent as the product does."""
        values: dict[str, Any] = {
            "manifest": self.manifest.sign(self.exporter.vendor),
            "vendor_key": self.exporter.vendor.key.jwk,
            "clock": self.clock,
            "transport": self.server,
            "sync_every": None,
        }
        agent = Agent.open(self.folder / "agent", **values | options)
        self.agents.append(agent)
        return agent

    def enrolled(self, **options: Any) -> Agent:
        """Open an agent and make it known."""
        agent = self.open(**options)
        agent.enroll("token")
        return agent

    def granting(self, **limits: Any) -> Agent:
        """Open an agent whose one capability has these limits."""
        self.server.grants = {CAPABILITY: grant(limits=limits)}
        return self.enrolled()


def denial(agent: Agent, capability: str = CAPABILITY, **use: Any) -> str | None:
    """Return the code with which a use is denied, or ``None``; deciding must say what using does."""
    decided = agent.decide(capability, **use)
    denied: Denied | None = None
    try:
        with agent.use(capability, **use):
            pass
    except CapabilityDenied as refused:
        denied = refused.denied
    assert decided == denied or (denied is None and isinstance(decided, Granted))
    return None if denied is None else denied.reason.code
