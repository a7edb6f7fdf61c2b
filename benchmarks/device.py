"""A real agent on a real store, enrolled with an exporter in the same process, on the machine's own clocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from device_agent import Agent, Fix
from device_agent.clock import Reading, SystemClock
from licensing_protocol.canonical import JsonObject
from licensing_server.catalogue.regions import Regions
from tests.simulators.exporter import ISSUED, SimulatedExporter, grant
from tests.simulators.responder import Responder

# A real border, and a position well inside it.
ZONES: Final[JsonObject] = {"CH": Regions.load().zone("CH").to_claims()}
HERE: Final = Fix(46.95, 7.45, 5.0)


class ExportersClock(SystemClock):
    """The machine's clocks, the wall set to the time at which the simulated exporter lives."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = ISSUED + 1000 - super().read().wall

    def read(self) -> Reading:
        """Read all clocks together."""
        reading = super().read()
        return Reading(reading.wall + self._ahead, reading.boottime, reading.boot)


@contextmanager
def enrolled(limits: Mapping[str, JsonObject], clock: ExportersClock | None = None) -> Iterator[Agent]:
    """Open an agent in a temporary folder, whose entitlement grants each capability within its limits."""
    exporter, clock = SimulatedExporter(), clock or ExportersClock()
    manifest = exporter.manifest(capabilities=frozenset({*limits, "stripped.use"}), measure=())
    grants = {capability: grant(limits=limit) for capability, limit in limits.items()}
    server = Responder(manifest, exporter, lambda: int(clock.read().wall), grants=grants, zones=ZONES)
    with (
        TemporaryDirectory(prefix="interlock-benchmark-") as folder,
        Agent.open(
            Path(folder) / "agent",
            manifest=manifest.sign(exporter.vendor),
            vendor_key=exporter.vendor.key.jwk,
            clock=clock,
            transport=server,
            sync_every=None,
        ) as agent,
    ):
        agent.enroll("token")
        agent.locate(HERE)
        agent.sync()
        yield agent
