"""A server in a process of its own, answering over a real socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from licensing_server.config import Settings

_SERVE = """
import sys
from licensing_server import logs
from licensing_server.config import Settings
from licensing_server.serving import serve
logs.configure(as_json=True)
serve(Settings(), lambda address: print(address, flush=True), with_jobs=True)
"""
_PATIENCE_S = 120.0


@dataclass
class ServerProcess:
    """``interlock serve`` without its command line; it can be killed and begun again on the same data."""

    settings: Settings
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin, and return once it is ready."""
        environment = {f"INTERLOCK_{name.upper()}": str(value) for name, value in self._changed().items()}
        log = self.log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVE], env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=log
        )
        log.close()
        deadline = time.monotonic() + _PATIENCE_S
        while not self.ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def ready(self) -> bool:
        """Tell whether it is fit to serve."""
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=10).status_code == 200
        except httpx2.TransportError:
            return False

    def kill(self) -> None:
        """End it without a word."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=20)

    def _changed(self) -> dict[str, Any]:
        return self.settings.model_dump(exclude_unset=True, mode="json") | {"port": self.port}


@contextmanager
def running(settings: Settings, folder: Path) -> Iterator[ServerProcess]:
    """Run a server on initialised data until the end of the block."""
    server = ServerProcess(settings, free_port(), folder / "server.log")
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
