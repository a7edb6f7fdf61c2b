"""Runs ``interlock``: as a process of its own, or, where only its answers matter, in this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from licensing_protocol import canonical
from licensing_server.cli.application import application

PROGRAM = (sys.executable, "-m", "licensing_server.cli")


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on standard output."""
        return canonical.decode(self.out.encode())

    @property
    def failure(self) -> Any:
        """The JSON value on standard error."""
        return canonical.decode(self.err.encode())


def environment(**members: str) -> dict[str, str]:
    """Return the environment without any setting of the server, and with ``members``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    return kept | {"COLUMNS": "200"} | members


def process(*arguments: str | Path, **members: str) -> Answer:
    """Run a command as a process."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)], env=environment(**members), capture_output=True, text=True, timeout=60
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def here(*arguments: str | Path | int, **members: str) -> Answer:
    """Run a command in this process."""
    cleared: dict[str, str | None] = {name: None for name in os.environ if name.startswith("INTERLOCK_")}
    result = CliRunner().invoke(application, list(map(str, arguments)), env=cleared | {"COLUMNS": "200"} | members)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


@dataclass
class Serving:
    """A process that serves or works; ``address`` is what a server announced."""

    data_dir: Path
    arguments: tuple[str, ...] = ()
    program: str = "serve"
    members: dict[str, str] = field(default_factory=dict)
    address: str = ""
    log: Path = Path()
    _process: Any = None

    def __enter__(self) -> Serving:
        """Start it, and wait until it answers."""
        self.log = self.data_dir.parent / f"{self.data_dir.name}-{self.program}.log"
        port = ("--port", "0") if self.program == "serve" else ()
        with self.log.open("a") as errors:
            self._process = subprocess.Popen(
                [*PROGRAM, self.program, "--data-dir", str(self.data_dir), "--json", *port, *self.arguments],
                # People who came just now may be each other's second here.
                env=environment(**{"INTERLOCK_FOUR_EYES_HOURS": "0"} | self.members),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        line = self._process.stdout.readline()
        assert line, self.log.read_text()
        self.address = canonical.decode_object(line.encode()).get("server", "")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        code: int = self._process.wait(timeout=20)
        self._process.stdout.close()
        return code


@dataclass(frozen=True)
class Staff:
    """A person at a command line."""

    server: str
    token_file: Path

    def run(self, *arguments: str | Path) -> Answer:
        """Run a command as this person, in this process."""
        return here(*arguments, INTERLOCK_SERVER=self.server, INTERLOCK_TOKEN_FILE=str(self.token_file))

    def ask(self, *arguments: str | Path) -> Any:
        """Run a command that must succeed, and return its JSON."""
        answer = self.run(*arguments, "--json")
        assert answer.code == 0, answer
        return answer.json
