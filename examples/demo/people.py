"""Those who type commands: each is one person with one token, and sees only what a shell would show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from examples.demo.processes import Ended, Processes
from examples.demo.screen import Screen
from licensing_protocol.canonical import decode

_INTERLOCK, _AGENT = "licensing_server.cli", "device_agent.cli"


class CommandFailed(Exception):
    """A command ended with another exit code than the story needs."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Runs ``interlock`` and ``interlock-agent`` with ``--json`` and shows both sides."""

    screen: Screen
    processes: Processes

    def interlock(self, *words: str, environment: dict[str, str] | None = None) -> Any:
        """Run ``interlock``, and return what it answered.

        Raises:
            CommandFailed: it was refused.
        """
        ended = self._run("interlock", _INTERLOCK, words, environment or {})
        if ended.code != 0:
            raise CommandFailed(f"interlock {words[0]} ended with exit code {ended.code}: {ended.err.strip()}")
        return _value(ended.out)

    def agent(self, *words: str, environment: dict[str, str]) -> tuple[int, Any]:
        """Run ``interlock-agent``, and return its exit code and answer: to be refused is an answer too."""
        ended = self._run("interlock-agent", _AGENT, words, environment)
        return ended.code, _value(ended.out)

    def _run(self, name: str, module: str, words: Sequence[str], environment: dict[str, str]) -> Ended:
        ended = self.processes.run(module, [*words, "--json"], environment)
        answer = _value(ended.out)
        self.screen.command([name, *words], ended.err if answer is None else answer)
        return ended


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the exporter's staff at a terminal."""

    name: str
    id: str
    terminal: Terminal
    server: str
    token_file: str

    def types(self, *words: str) -> Any:
        """Type ``interlock …`` and return the answer."""
        environment = {"INTERLOCK_SERVER": self.server, "INTERLOCK_TOKEN_FILE": self.token_file}
        return self.terminal.interlock(*words, environment=environment)


def _value(text: str) -> Any:
    line = text.strip()
    return decode(line.encode("utf-8")) if line else None
