"""A device that waits for the next status list: it obeys at once, stands in nobody's way, and is not led astray."""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from device_agent import Agent, Denied
from device_agent.errors import TransportError
from device_agent.exchange import HttpTransport, Patience, Request
from licensing_protocol import token
from licensing_protocol.canonical import to_base64url
from licensing_protocol.status_list import SHARD_BYTES, Status
from licensing_protocol.token import TokenType
from licensing_protocol.trust import Delegation
from tests.agent.bench import Bench
from tests.simulators.clock import ShiftedClock
from tests.simulators.exporter import CAPABILITY, ISSUED, URI, SimulatedExporter
from tests.simulators.line import RudeServer, silent
from tests.simulators.newsstand import Newsstand

WITHIN_S = 1.5
EVERYTHING_INVALID = {0: Status.INVALID}


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Bench]:
    """A device that waits at a newsstand, and otherwise talks to it once."""
    bench, clock = Bench(tmp_path), ShiftedClock()
    bench.server = Newsstand(bench.manifest, bench.exporter, lambda: int(clock.read().wall))
    original = bench.open
    bench.open = lambda **options: original(**{"clock": clock, "sync_every": 1000.0} | options)  # type: ignore[method-assign]  # same device, other clock
    yield bench
    for agent in bench.agents:
        agent.close()


def stand(bench: Bench) -> Newsstand:
    assert isinstance(bench.server, Newsstand)
    return bench.server


def waiting(bench: Bench) -> Agent:
    """Return an agent whose request is held open."""
    agent = bench.enrolled()
    eventually(lambda: stand(bench).waiting == 1)
    return agent


def eventually(true: Callable[[], Any], within: float = 8.0) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def code(agent: Agent) -> str | None:
    decided = agent.decide(CAPABILITY)
    return decided.reason.code if isinstance(decided, Denied) else None


def refusals(bench: Bench, agent: Agent) -> list[str]:
    """Return the codes of the refused lists that the exporter was told of."""
    agent.sync()
    return [data["code"] for data in bench.server.events("status_list.refused")]


def test_a_device_that_waits_obeys_a_revocation_at_once_and_says_so(device: Bench) -> None:
    agent = waiting(device)
    assert code(agent) is None
    reported = len(device.server.received)
    stand(device).publish(EVERYTHING_INVALID)
    eventually(lambda: code(agent) == "status.invalid", WITHIN_S)
    eventually(lambda: len(device.server.received) > reported)
    eventually(lambda: stand(device).waiting == 1)


def test_waiting_keeps_no_report_back_and_costs_one_thread(device: Bench) -> None:
    before = threading.active_count()
    agent = waiting(device)
    # The regular report, the look at clocks and parts, and the wait.
    assert threading.active_count() - before == 3
    begun = time.monotonic()
    assert agent.sync().reached
    assert time.monotonic() - begun < WITHIN_S
    assert stand(device).waiting == 1


def test_closing_ends_the_wait(device: Bench) -> None:
    agent = waiting(device)
    begun = time.monotonic()
    agent.close()
    eventually(lambda: stand(device).waiting == 0, 2.0)
    eventually(lambda: not waits(), 2.0)
    assert time.monotonic() - begun < 2.0


def test_who_does_not_listen_asks_for_no_list_in_between(device: Bench) -> None:
    agent = device.enrolled(listen=False)
    assert not waits()
    assert all("Prefer" not in headers for _, headers in stand(device).asked)
    agent.close()


def test_a_server_that_lets_nobody_wait_is_asked_politely(device: Bench) -> None:
    stand(device).full = True
    agent = device.enrolled()
    eventually(lambda: polls(device) == 1)
    stand(device).publish(EVERYTHING_INVALID)
    eventually(lambda: code(agent) == "status.invalid")
    assert polls(device) <= 3


def test_a_server_out_of_reach_is_not_waited_at_in_a_loop(device: Bench) -> None:
    agent = waiting(device)
    stand(device).reachable = False
    stand(device).publish()
    eventually(lambda: stand(device).waiting == 0)
    before = polls(device)
    stand(device).reachable = True
    stand(device).publish(EVERYTHING_INVALID)
    eventually(lambda: code(agent) == "status.invalid", 20.0)
    assert polls(device) <= before + 2


@pytest.mark.parametrize(
    ("forge", "journalled"),
    [
        (lambda server: server.exporter.status_list(server.now() + 9, uri=URI[:-1] + "2"), "status_list.uri"),
        (lambda server: server.exporter.status_list(ISSUED), "continuity.rolled_back"),
        (lambda server: longer(server.exporter, server.now() + 9, SHARD_BYTES + 1), "status_list.stream"),
        (lambda server: longer(server.exporter, server.now() + 9, 100_000_000), "status_list.stream"),
        (lambda server: SimulatedExporter().status_list(server.now() + 9), "trust.unknown_key"),
    ],
    ids=["another shard", "a lower number", "longer than a shard", "a zip bomb", "another signer"],
)
def test_a_list_that_is_none_of_ours_changes_nothing_and_is_reported(
    device: Bench, forge: Callable[[Newsstand], str], journalled: str
) -> None:
    agent = waiting(device)
    held = agent.status().lists
    stand(device).show(forge(stand(device)))
    eventually(lambda: stand(device).waiting == 0)
    eventually(lambda: journalled in refusals(device, agent))
    assert [(each.uri, each.sequence) for each in agent.status().lists] == [(each.uri, each.sequence) for each in held]
    assert code(agent) is None


def test_what_anybody_on_the_line_can_send_is_refused_and_fills_no_journal(device: Bench) -> None:
    agent = waiting(device)
    # 100 MB that arrive as 100 kB.
    stand(device).show("x" * 100_000_000)
    eventually(lambda: stand(device).waiting == 0)
    assert refusals(device, agent) == []
    assert code(agent) is None
    stand(device).publish(EVERYTHING_INVALID)
    eventually(lambda: code(agent) == "status.invalid", 20.0)


def test_a_child_waits_for_itself_and_leaves_its_parents_wait_alone(device: Bench) -> None:
    agent = waiting(device)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        eventually(lambda: code(agent) is None)
        eventually(lambda: [each.name for each in threading.enumerate()].count("interlock-wait") == 1)
        agent.close()
        os.write(write, b"closed")
        os._exit(0)
    assert os.read(read, 6) == b"closed"
    assert os.waitpid(child, 0)[1] == 0
    assert stand(device).waiting == 1
    stand(device).publish(EVERYTHING_INVALID)
    eventually(lambda: code(agent) == "status.invalid", WITHIN_S)


def test_a_wait_on_a_real_line_is_longer_than_silence_and_can_be_ended() -> None:
    patience = Patience(50)
    with RudeServer(silent) as server:
        begun = time.monotonic()
        threading.Timer(0.5, patience.end).start()
        with pytest.raises(TransportError):
            HttpTransport(silence=0.1).send(Request("GET", server.url + "/v1/status/1", patience=patience), 1000)
        assert 0.4 < time.monotonic() - begun < 5
        with pytest.raises(TransportError, match="ended"):
            HttpTransport().send(Request("GET", server.url + "/v1/status/1", patience=patience), 1000)
        assert len(server.requests) == 1


def longer(exporter: SimulatedExporter, sequence: int, size: int) -> str:
    """Sign a list whose stream holds ``size`` bytes."""
    claims = {
        "iss": exporter.issuer,
        "sub": URI,
        "iat": ISSUED + 1000,
        "exp": ISSUED + 10**8,
        "ttl": 300,
        "seq": sequence,
        "log": {"origin": exporter.issuer, "size": 1},
        "status_list": {"bits": 2, "lst": to_base64url(zlib.compress(bytes(size), 9))},
    }
    return token.sign(claims, TokenType.STATUS_LIST, exporter.signers[Delegation.STATUS])


def polls(bench: Bench) -> int:
    return sum("Prefer" in headers for _, headers in stand(bench).asked)


def waits() -> bool:
    return any(each.name == "interlock-wait" for each in threading.enumerate())
