"""Those who type commands: each is one person with one token, and sees only what a shell would show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from examples.demo.processes import Ended, Processes
from examples.demo.screen import Screen
from examples.demo.waiting import wait_for
from licensing_protocol.canonical import decode

_INTERLOCK, _AGENT = "licensing_server.cli", "device_agent.cli"
_PATIENCE_S = 20.0


class CommandFailed(Exception):
    """A command ended with another exit code than the story needs."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Runs ``interlock`` and ``interlock-agent`` with ``--json``, and shows both sides."""

    screen: Screen
    processes: Processes

    def interlock(self, *words: str, environment: Mapping[str, str] | None = None) -> Any:
        """Run ``interlock``, and return what it answered.

        Raises:
            CommandFailed: it was refused.
        """
        return self.show("interlock", words, self._run(_INTERLOCK, words, environment or {}))

    def interlock_until(
        self, enough: Callable[[Any], bool], words: Sequence[str], environment: Mapping[str, str]
    ) -> Any:
        """Run ``interlock`` again and again until its answer is enough; show and return the last one."""
        ended = wait_for(
            lambda: self._run(_INTERLOCK, words, environment), lambda ended: enough(_value(ended.out)), _PATIENCE_S
        )
        return self.show("interlock", words, ended)

    def agent(self, *words: str, environment: Mapping[str, str]) -> tuple[int, Any]:
        """Run ``interlock-agent``, and return its exit code and answer: to be denied is an answer too."""
        ended = self._run(_AGENT, words, environment)
        answer = _value(ended.out) or _value(ended.err)
        self.screen.command(["interlock-agent", *words], answer)
        return ended.code, answer

    def refused(self, *words: str, environment: Mapping[str, str]) -> Any:
        """Run ``interlock`` where it must be refused, and return the refusal; an empty one where it was not."""
        ended = self._run(_INTERLOCK, words, environment)
        refusal = _value(ended.err) or {}
        self.screen.command(["interlock", *words], refusal)
        return refusal if ended.code != 0 else {}

    def show(self, name: str, words: Sequence[str], ended: Ended) -> Any:
        """Show a command that ended, and return its answer; CommandFailed where it was refused."""
        answer = _value(ended.out)
        self.screen.command([name, *words], ended.err if ended.code else answer)
        if ended.code != 0:
            raise CommandFailed(f"{name} {words[0]} ended with exit code {ended.code}: {ended.err.strip()[-600:]}")
        return answer

    def _run(self, module: str, words: Sequence[str], environment: Mapping[str, str]) -> Ended:
        return self.processes.run(module, [*words, "--json"], environment)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the exporter's staff at a terminal of their own."""

    name: str
    id: str
    terminal: Terminal
    server: str
    token_file: str

    def types(self, *words: str) -> Any:
        """Type ``interlock …`` and return the answer."""
        return self.terminal.interlock(*words, environment=self._environment)

    def watches(self, *words: str, until: Callable[[Any], bool]) -> Any:
        """Type ``interlock …`` until the answer is what one waits for, and return it."""
        return self.terminal.interlock_until(until, words, self._environment)

    def tries(self, *words: str) -> Any:
        """Type what is not allowed, and return the refusal."""
        return self.terminal.refused(*words, environment=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return {"INTERLOCK_SERVER": self.server, "INTERLOCK_TOKEN_FILE": self.token_file}


def _value(text: str) -> Any:
    line = text.strip()
    return decode(line.encode("utf-8")) if line.startswith(("{", "[")) else None
