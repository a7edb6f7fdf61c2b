"""The real processes of the story, and their certain end."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

# The examples are not installed; the processes work in the story's folder and find them here.
_REPOSITORY = Path(__file__).parents[2]
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE_S = 5.0
_COMMAND_S = 60.0


class ProcessFailed(Exception):
    """A process ended, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class Processes:
    """Starts processes that work in ``folder``, and ends all of them in :meth:`close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[str]] = []

    def run(self, module: str, words: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
        """Run ``python -m module words`` to its end.

        Raises:
            ProcessFailed: it takes longer than a minute.
        """
        pipes = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        process = self._begin(module, words, environment, **pipes)
        try:
            out, err = process.communicate(timeout=_COMMAND_S)
        except subprocess.TimeoutExpired as error:
            raise ProcessFailed(f"{module} {words[0]} did not end within {_COMMAND_S:.0f} s.") from error
        self._running.remove(process)
        return Ended(process.returncode, out, err)

    def start(self, name: str, module: str, words: Sequence[str]) -> Running:
        """Start ``python -m module words``; it runs until it is stopped."""
        path = self._folder / f"{name}.log"
        with path.open("w") as log:
            # A terminal's Ctrl-C reaches this process only; it then ends the others in their order.
            process = self._begin(module, words, None, stdin=subprocess.PIPE, stderr=log, start_new_session=True)
        return Running(name, process, path)

    def _begin(
        self, module: str, words: Sequence[str], environment: Mapping[str, str] | None, **options: Any
    ) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", module, *words]
        surroundings: dict[str, Any] = {"cwd": self._folder, "env": _environment(environment)}
        with _signals_held_back():
            process: subprocess.Popen[str] = subprocess.Popen(
                command, stdout=subprocess.PIPE, text=True, **surroundings, **options
            )
            self._running.append(process)
        return process

    def close(self) -> None:
        """End what still runs, the newest first: politely, then without asking."""
        while self._running:
            process = self._running.pop()
            with process:
                process.terminate()
                try:
                    process.communicate(timeout=_GRACE_S)
                except subprocess.TimeoutExpired:
                    process.kill()


class Running:
    """A process that answers line by line."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def tell(self, line: str) -> None:
        """Write one line to its standard input; where it has ended, :meth:`hear` says so."""
        stdin = _pipe(self._process.stdin)
        with suppress(BrokenPipeError):
            stdin.write(line + "\n")
            stdin.flush()

    def hear(self, seconds: float = 60.0) -> str:
        """Return its next line.

        Raises:
            ProcessFailed: it ended, or said nothing for so many seconds; the end of its log is in the sentence.
        """
        stdout = _pipe(self._process.stdout)
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            line = stdout.readline() if selector.select(seconds) else ""
        if not line:
            last = self._log.read_text("utf-8", "replace").strip()[-600:]
            raise ProcessFailed(f"The {self._name} gave no answer. Its log ends: {last or '(empty)'}")
        return line.rstrip("\n")


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Let a signal wait while a process is started, which would otherwise be lost between its start and our list."""
    arrived: list[int] = []
    before = {number: signal.signal(number, lambda number, _: arrived.append(number)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    # Settings of the machine that this runs on have no place in the story.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    return clean | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(_REPOSITORY)} | dict(more or {})


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise ProcessFailed("The process has no such pipe.")
    return pipe
