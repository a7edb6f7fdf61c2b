"""``interlock witness serve`` in a process of its own, answering over a real socket."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from licensing_protocol import canonical
from tests.cli.command_line import PROGRAM, environment, here


@dataclass
class WitnessProcess:
    """A witness with a folder of its own; it can be killed and begun again at the same address."""

    folder: Path
    vkey: str
    address: str = ""
    _process: Any = None

    @classmethod
    def begin(cls, folder: Path, name: str) -> WitnessProcess:
        """Make a witness."""
        made = here("witness", "init", name, "--data-dir", folder, "--json")
        assert made.code == 0, made
        return cls(folder, made.json["key"])

    def trust(self, vkey: str) -> None:
        """Make a log known to it."""
        assert here("witness", "trust", vkey, "--data-dir", self.folder).code == 0

    def show(self) -> Any:
        """Return what it says of itself."""
        return here("witness", "show", "--data-dir", self.folder, "--json").json

    def __enter__(self) -> WitnessProcess:
        """Start it, and wait until it answers."""
        port = self.address.rpartition(":")[2] or "0"
        log = self.folder.with_suffix(".log")
        command = [*PROGRAM, "witness", "serve", "--data-dir", str(self.folder), "--json", "--port", port]
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                [*command, "--rate", "100000"], env=environment(), stdout=subprocess.PIPE, stderr=errors, text=True
            )
        line = self._process.stdout.readline()
        assert line, log.read_text()
        self.address = canonical.decode_object(line.encode())["witness"]
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        code: int = self._process.wait(timeout=20)
        self._process.stdout.close()
        return code

    def kill(self) -> None:
        """End it as a power cut would."""
        self.stop(signal.SIGKILL)

    def add(self, body: bytes) -> tuple[int, str]:
        """Send ``add-checkpoint``."""
        answer = httpx2.post(f"{self.address}/add-checkpoint", content=body, timeout=20, trust_env=False)
        return answer.status_code, answer.text
