"""Several processes of a product on one enrolled device, and the exporter's server that they report to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from device_agent import Agent
from device_agent.clock import SystemClock
from tests.agent.bench import Bench
from tests.simulators.exporter import CAPABILITY, SimulatedExporter, grant
from tests.simulators.responder import Loopback, Responder

# What every process begins with; `agent` is the device's agent as a product opens it.
PRODUCT = """
import os, sys, threading, time
from device_agent import Agent, CapabilityDenied
from device_agent.errors import StoreLocked

def opened(**options):
    return Agent.open({folder!r}, manifest={manifest!r}, vendor_key={key!r}, **options)

def tell(word):
    # One write for the whole line: other processes write to the same pipe, which may be unbuffered.
    print(word + "\\n", end="", flush=True)

def granted():
    try:
        with agent.use({capability!r}):
            tell("granted")
            return True
    except CapabilityDenied as refused:
        tell(refused.code)
        return False
"""


class Fleet:
    """One enrolled device, its server on this machine, and the processes that run on it."""

    def __init__(self, folder: Path, loopback: Loopback) -> None:
        exporter = SimulatedExporter(issued=int(SystemClock().read().wall) - 1000)
        self._bench = Bench(folder, exporter, manifest_changes={"servers": (loopback.address,)})
        self.manifest = self._bench.manifest
        self.server = Responder(self.manifest, exporter, lambda: int(SystemClock().read().wall))
        loopback.responder = self.server
        self.folder = folder / "agent"
        self._running: list[subprocess.Popen[str]] = []

    def granting(self, **members: Any) -> None:
        """Enrol the device; its one capability is granted so."""
        self.server.grants = {CAPABILITY: grant(**members)}
        with self.agent() as agent:
            agent.enroll("token")

    def agent(self) -> Agent:
        """Open an agent in this process."""
        return self._bench.open(clock=SystemClock(), transport=None)

    def start(self, code: str) -> subprocess.Popen[str]:
        """Start a process of the product."""
        begin = PRODUCT.format(
            folder=str(self.folder),
            manifest=self.manifest.sign(self._bench.exporter.vendor),
            key=self._bench.exporter.vendor.key.jwk,
            capability=CAPABILITY,
        )
        process = subprocess.Popen([sys.executable, "-c", begin + code], stdout=subprocess.PIPE, text=True)
        self._running.append(process)
        return process

    def end(self) -> None:
        """Leave nothing running."""
        for process in self._running:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        for agent in self._bench.agents:
            agent.close()

    def is_whole(self) -> None:
        """Hold the exporter's side: no fork, and every event once, in its order."""
        assert self.server.forks == 0
        numbers = [event.sequence for report in self.server.received for event in report.events]
        assert numbers == list(range(1, len(numbers) + 1))

    @classmethod
    @contextmanager
    def on_loopback(cls, folder: Path) -> Iterator[Fleet]:
        """Furnish one whose server answers on this machine, and leave nothing running."""
        with Loopback() as loopback:
            made = cls(folder, loopback)
            yield made
            made.end()


def said(process: subprocess.Popen[str]) -> list[str]:
    """Return what a process has told by its end, word by word."""
    told, _ = process.communicate(timeout=60)
    return told.split()
