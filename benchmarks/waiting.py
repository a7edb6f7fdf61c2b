"""Agents that wait for status lists, several in each of a few processes, and when each of them changed its answer."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from device_agent import Agent, Denied
from device_agent.errors import TransportError
from licensing_protocol.canonical import decode_object, encode

LOOK_S: Final = 0.02
_AGAIN_S: Final = 0.5
_PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Change:
    """One agent's answer changed: ``at_us`` microseconds of the clock that all processes of a machine share."""

    device: str
    code: str | None
    at_us: int


class Processes:
    """Processes of agents: what they say comes into one queue."""

    def __init__(self) -> None:
        self._said: queue.Queue[Any] = queue.Queue()

    def await_changes(self, count: int, code: str | None) -> list[Change]:
        """Return the next ``count`` changes to one answer, one for each agent."""
        found: dict[str, Change] = {}
        while len(found) < count:
            told = self._said.get(timeout=_PATIENCE_S)
            if told["code"] == code:
                found.setdefault(told["device"], Change(told["device"], code, told["at_us"]))
        return list(found.values())

    def listen(self, lines: IO[str]) -> None:
        """Take in what one process says, until it ends."""
        for line in lines:
            self._said.put(decode_object(line.encode()))


@contextmanager
def agents(
    folder: Path, product: dict[str, Any], capability: str, tokens: Sequence[str], most: int
) -> Iterator[Processes]:
    """Run one agent for each enrolment token in at most ``most`` processes, until the end of the block."""
    processes, each = Processes(), -(-len(tokens) // most)
    with ExitStack() as stack:
        for first in range(0, len(tokens), each):
            place = folder / f"agents-{first}"
            asked = product | {"folder": str(place), "capability": capability, "tokens": tokens[first : first + each]}
            running = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.waiting"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            assert running.stdin is not None
            assert running.stdout is not None
            running.stdin.write(encode(asked).decode() + "\n")
            running.stdin.flush()
            threading.Thread(target=processes.listen, args=(running.stdout,), daemon=True).start()
            # The end of its input ends it.
            stack.callback(running.stdin.close)
        processes.await_changes(len(tokens), None)
        yield processes


def _say(device: str, code: str | None) -> None:
    told = {"device": device, "code": code, "at_us": time.monotonic_ns() // 1000}
    sys.stdout.write(encode(told).decode() + "\n")
    sys.stdout.flush()


def _make_ready(agent: Agent, secret: str, capability: str, ended: threading.Event) -> None:
    """Enrol an agent, and let it report until it is granted the capability or nobody waits for that any longer."""
    # Hundreds at once are more than a small machine answers in the time that a device waits; by itself a device that
    # was turned away would come again only after a pause.
    while not agent.enrolled and not ended.is_set():
        with suppress(TransportError):
            agent.enroll(secret)
    while isinstance(agent.decide(capability), Denied) and not ended.wait(_AGAIN_S):
        agent.sync()


def _look(agents: Sequence[Agent], capability: str, answers: dict[str, str | None]) -> None:
    for agent in agents:
        decided = agent.decide(capability)
        code = decided.reason.code if isinstance(decided, Denied) else None
        if answers.get(agent.device_id, "") != code:
            answers[agent.device_id] = code
            _say(agent.device_id, code)


def _follow(asked: dict[str, Any], ended: threading.Event) -> None:
    with ExitStack() as stack:
        opened, answers = [], dict[str, str | None]()
        for number, secret in enumerate(asked["tokens"]):
            agent = Agent.open(
                Path(asked["folder"]) / str(number), manifest=asked["manifest"], vendor_key=asked["vendor_key"]
            )
            stack.enter_context(agent)
            _make_ready(agent, secret, asked["capability"], ended)
            opened.append(agent)
            _look(opened, asked["capability"], answers)
        while not ended.wait(LOOK_S):
            _look(opened, asked["capability"], answers)


def main() -> None:
    """Do what one line of standard input says until there is no more of it."""
    asked, ended = decode_object(sys.stdin.readline().encode()), threading.Event()
    worker = threading.Thread(target=_follow, args=(asked, ended))
    worker.start()
    sys.stdin.read()
    ended.set()
    worker.join()


if __name__ == "__main__":
    main()
