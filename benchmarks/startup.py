"""What a start costs: ``python -m benchmarks.startup [--json] [--quick]``.

Each run is a new process, from the moment it is asked for to the moment at which it has what its case names, with
bytecode that an earlier run has written, as an installation has it. The floor
imports the two libraries without which no signature is verified, PyJWT and Ed25519 of cryptography, and verifies
nothing. The agent imports them too, opens as a product opens it, threads included, on an enrolled store whose grant has
no area, and decides once.

Sizes are without Python's own bytecode. The bytes of a check-in are the bodies of the request (evidence and the last
receipt) and of its answer, without HTTP's headers and without TLS.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.footprint import Counting, folder_bytes, installed_bytes
from benchmarks.measure import Effort, percentile
from benchmarks.report import Report, Target, ratio, run
from device_agent import Agent
from device_agent.clock import SystemClock
from licensing_protocol.canonical import JsonObject
from tests.simulators.exporter import CAPABILITY, SimulatedExporter
from tests.simulators.responder import Responder

_NS_PER_MS: Final = 1e6
_ROOT: Final = Path(__file__).parent.parent
FLOOR: Final = "floor: import PyJWT and cryptography"
FIRST_DECISION: Final = "first decision"
_IMPORTS: Final = "import jwt\nfrom cryptography.hazmat.primitives.asymmetric import ed25519\n"
# What a process says when it has come so far: the moment, by a clock that all processes share, and its memory.
_SAY: Final = """
import time
at = time.monotonic_ns()
with open("/proc/self/status") as told:
    resident = next(line.split()[1] for line in told if line.startswith("VmRSS"))
print(at, resident, flush=True)
"""


@dataclass(slots=True)
class Start:
    """A program that is started cold again and again: ``samples`` in nanoseconds, ``resident_kib`` of memory."""

    name: str
    program: str
    bytecode: Path
    samples: list[int] = field(default_factory=list)
    resident_kib: list[int] = field(default_factory=list)

    def once(self) -> None:
        """Start it, and wait until it has ended."""
        before = time.monotonic_ns()
        at, resident = self.run()
        self.samples.append(at - before)
        self.resident_kib.append(resident)

    def run(self) -> tuple[int, int]:
        """Start it; return when it had come so far, and its memory then."""
        command = [sys.executable, "-c", self.program + _SAY]
        # As an empty value, what forbids to write bytecode does not.
        written = os.environ | {"PYTHONPYCACHEPREFIX": str(self.bytecode), "PYTHONDONTWRITEBYTECODE": ""}
        done = subprocess.run(command, cwd=_ROOT, env=written, stdout=subprocess.PIPE, check=True, timeout=60)
        at, resident = map(int, done.stdout.split())
        return at, resident

    def row(self) -> JsonObject:
        """Return it as a row of the report."""
        p50, p90 = (round(percentile(self.samples, share) / _NS_PER_MS, 1) for share in (0.5, 0.9))
        return _row(
            self.name, p50_ms=p50, p90_ms=p90, runs=len(self.samples), resident_kib=int(median(self.resident_kib))
        )


def measure(effort: Effort) -> Report:
    """Start each program once in each turn."""
    with TemporaryDirectory(prefix="interlock-benchmark-") as temporary:
        folder, bytecode = Path(temporary) / "agent", Path(temporary) / "bytecode"
        opening, sizes = _enrolled(folder)
        starts = [
            Start("Python alone", "", bytecode),
            Start(FLOOR, _IMPORTS, bytecode),
            Start("import of the agent", "from device_agent import Agent\n", bytecode),
            Start(FIRST_DECISION, opening, bytecode),
        ]
        for start in starts:
            start.run()
        for _ in range(effort.turns):
            for start in starts:
                start.once()
    floor, first = (percentile(start.samples, 0.5) for start in starts if start.name in {FLOOR, FIRST_DECISION})
    target = Target("first_decision_over_importing_pyjwt_and_cryptography", ratio(first, floor), 2)
    return Report("startup", [*(start.row() for start in starts), *sizes], [target])


def _enrolled(folder: Path) -> tuple[str, list[JsonObject]]:
    """Enrol a device in ``folder``; return the program of a product on it, and what all that takes up."""
    clock = SystemClock()

    def now() -> int:
        return int(clock.read().wall)

    exporter = SimulatedExporter(issued=now() - 1000)
    manifest = exporter.manifest(measure=())
    line = Counting(Responder(manifest, exporter, now))
    signed, key = manifest.sign(exporter.vendor), exporter.vendor.key.jwk
    with Agent.open(folder, manifest=signed, vendor_key=key, transport=line, sync_every=None) as agent:
        agent.enroll("token")
        with agent.use(CAPABILITY):
            pass
        agent.sync()
    opening = (
        "from device_agent import Agent, Granted\n"
        f"agent = Agent.open({str(folder)!r}, manifest={signed!r}, vendor_key={key!r})\n"
        f"assert isinstance(agent.decide({CAPABILITY!r}), Granted)\n"
    )
    sizes = [
        _row("base installation", bytes=installed_bytes()),
        _row("store of an enrolled device", bytes=folder_bytes(folder)),
        _row("check-in, sent", bytes=line.sent),
        _row("check-in, received", bytes=line.received),
    ]
    return opening, sizes


def _row(case: str, **figures: float) -> JsonObject:
    return {"case": case} | {name: figures.get(name) for name in ("p50_ms", "p90_ms", "runs", "resident_kib", "bytes")}


if __name__ == "__main__":
    sys.exit(run("startup", "What a start costs, and what the agent takes up.", measure))
