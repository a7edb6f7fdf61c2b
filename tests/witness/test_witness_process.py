"""A witness as an NGO runs it: by the command line, in a process that may be killed at any moment."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from licensing_protocol.log.note import Note, signature_lines
from licensing_protocol.log.note_key import NoteKey
from tests.cli.command_line import here
from tests.witness.logs import SimulatedLog
from tests.witness.process import WitnessProcess

NAME = "witness.example.org/1"
KILLS = 3


@pytest.fixture
def log() -> SimulatedLog:
    return SimulatedLog().grow(10)


@pytest.fixture
def process(tmp_path: Path, log: SimulatedLog) -> Iterator[WitnessProcess]:
    made = WitnessProcess.begin(tmp_path / "witness", NAME)
    made.trust(log.vkey)
    with made:
        yield made


def test_it_cosigns_shows_what_it_knows_and_ends_when_asked(process: WitnessProcess, log: SimulatedLog) -> None:
    status, line = process.add(log.request(0))
    assert status == 200
    key = NoteKey.parse(process.vkey)
    assert Note(log.head().text, signature_lines(line)).verify([key]) == (key,)
    assert process.add(log.rewritten().request(10))[0] == 409
    (known,) = process.show()["logs"]
    assert (known["log"], known["keys"], known["size"]) == (log.origin, [log.vkey], 10)
    assert [found["answer"] for found in known["refused"]] == [409]
    assert httpx2.get(f"{process.address}/{known['address']}/checkpoint", trust_env=False).text.endswith(line)
    assert process.stop() == 0


def test_a_log_that_is_made_known_meanwhile_is_known_at_once(process: WitnessProcess) -> None:
    other = SimulatedLog("other.example/log").grow(2)
    assert process.add(other.request(0))[0] == 404
    process.trust(other.vkey)
    assert process.add(other.request(0))[0] == 200


def test_of_two_requests_at_once_one_is_cosigned(process: WitnessProcess, log: SimulatedLog) -> None:
    process.add(log.request(0))
    log.grow(40)
    seen = 10
    for _ in range(10):
        sizes = (seen + 1, seen + 3)
        begin = threading.Barrier(2)

        def send(size: int, old: int = seen, begin: threading.Barrier = begin) -> tuple[int, str]:
            body = log.request(old, size)
            begin.wait(timeout=10)
            return process.add(body)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(send, sizes))
        assert sorted(status for status, _ in answers) == [200, 409], answers
        won = sizes[[status for status, _ in answers].index(200)]
        assert f"{won}\n" in {text for _, text in answers}
        seen = won


def test_whatever_it_answered_it_remembers_after_it_was_killed(process: WitnessProcess, log: SimulatedLog) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    process.add(log.request(0))
    log.grow(2_000)
    forged = log.rewritten()
    answered = 10
    for _ in range(KILLS):
        end = threading.Timer(chance.uniform(0.0, 0.3), process.kill)
        end.start()
        answered = grow_until_it_dies(process, log, answered)
        end.join()
        process.__enter__()
        # Killed before it answered, it may have remembered one more; never less.
        status, text = process.add(forged.request(0, 5))
        assert (status, int(text)) in {(409, answered), (409, answered + 1)}, f"seed {seed}"
        answered = int(text)
        assert process.add(forged.request(answered, answered + 2))[0] == 422, f"seed {seed}"


def grow_until_it_dies(process: WitnessProcess, log: SimulatedLog, size: int) -> int:
    """Let a log grow by one leaf at a time; return the size that was cosigned last."""
    try:
        while True:
            assert process.add(log.request(size, size + 1))[0] == 200
            size += 1
    except httpx2.TransportError:
        return size


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("init", "no name"), "note.key_name"),
        (("serve", "--port", "0"), "witness.absent"),
        (("show",), "witness.absent"),
        (("trust", "a+b+c"), "witness.absent"),
    ],
)
def test_what_is_not_there_is_told(tmp_path: Path, arguments: tuple[str, ...], code: str) -> None:
    answer = here("witness", *arguments, "--data-dir", tmp_path / "none", "--json")
    assert (answer.code, answer.failure["code"]) == (1, code)


def test_a_key_is_told_apart_from_what_is_none(tmp_path: Path) -> None:
    WitnessProcess.begin(tmp_path / "witness", NAME)
    answer = here("witness", "trust", "exporter.example/log", "--data-dir", tmp_path / "witness", "--json")
    assert (answer.code, answer.failure["code"]) == (1, "witness.log_key")


def test_people_read_a_table(tmp_path: Path, log: SimulatedLog) -> None:
    made = WitnessProcess.begin(tmp_path / "witness", NAME)
    made.trust(log.vkey)
    shown = here("witness", "show", "--data-dir", tmp_path / "witness").out
    assert made.vkey in shown
    assert "never" in shown
    assert here("witness", "distrust", log.vkey, "--data-dir", tmp_path / "witness").code == 0
    assert "Nothing found" not in shown
    assert log.origin not in here("witness", "show", "--data-dir", tmp_path / "witness").out
