"""Servers in processes of their own, the processor time that they use, and threads that keep them busy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_FLOOR: Final = """
import sys, uvicorn
from benchmarks.floors import check_in_floor
uvicorn.run(check_in_floor(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
"""
_PATIENCE_S: Final = 30.0
Act = Callable[[httpx2.Client], None]


@dataclass(slots=True)
class Load:
    """What was done, from the outside: microseconds of each request, and processor seconds of the servers."""

    name: str
    urls: Sequence[str]
    pids: Sequence[int]
    acts: Sequence[Act]
    samples: list[int] = field(default_factory=list)
    elapsed_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def cpu_ms(self) -> float:
        """Processor milliseconds of all servers for each request."""
        return 1000 * self.cpu_s / max(1, len(self.samples))

    @property
    def per_s(self) -> float:
        """Requests in a second."""
        return len(self.samples) / max(1e-9, self.elapsed_s)

    def run(self, seconds: float) -> None:
        """Let each act be repeated by a thread of its own for a while."""
        before, began = self._processor_s(), time.monotonic()
        threads = [
            threading.Thread(target=self._repeat, args=(act, self.urls[number % len(self.urls)], began + seconds))
            for number, act in enumerate(self.acts)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.elapsed_s += time.monotonic() - began
        self.cpu_s += self._processor_s() - before

    def _repeat(self, act: Act, url: str, until: float) -> None:
        samples = list[int]()
        with httpx2.Client(base_url=url, timeout=_PATIENCE_S) as client:
            while time.monotonic() < until:
                began = time.perf_counter_ns()
                act(client)
                samples.append((time.perf_counter_ns() - began) // 1000)
        self.samples.extend(samples)

    def _processor_s(self) -> float:
        return sum(_processor_ticks(pid) for pid in self.pids) / _TICKS


@contextmanager
def floor_server(url: str) -> Iterator[tuple[str, int]]:
    """Serve the floor of a check-in on a database, and give its address and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", _FLOOR, url, str(port)]) as process:
        deadline = time.monotonic() + _PATIENCE_S
        while not _answers(f"http://127.0.0.1:{port}/docs"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.TransportError:
        return False


def _processor_ticks(pid: int) -> int:
    # The name of the program, which stands in parentheses, may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
