"""The entry point as another language's test suite meets it: a process, its exits and its lines."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from licensing_protocol.canonical import JsonObject, decode_object, encode
from tests.conformance.cli import ACCEPTED, MAX_QUESTION, REFUSED, USAGE, VERBS, answer, run
from tests.vectors.forge import FOLDER

ROOT = Path(__file__).parent.parent.parent
CASES = decode_object((FOLDER / "schedule.json").read_bytes())["cases"]
TAKEN = next(case for case in CASES if case["result"]["accepted"])
REFUSAL = next(case for case in CASES if not case["result"]["accepted"])
NOT_QUESTIONS = [
    b"",
    b"\n",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"\xff\xfe",
    b"\x00",
    b"[" * 100_000,
    b'{"a":1,"a":2}',
]


def ask(*arguments: str, question: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "tests.conformance.cli", *arguments]
    return subprocess.run(command, input=question, capture_output=True, cwd=ROOT, check=False, timeout=60)


def test_a_question_that_is_accepted_exits_with_0() -> None:
    asked = ask("schedule", question=encode(TAKEN["input"]))
    assert (asked.returncode, decode_object(asked.stdout), asked.stderr) == (ACCEPTED, TAKEN["result"], b"")


def test_a_question_that_is_refused_exits_with_1_and_a_code() -> None:
    asked = ask("schedule", question=encode(REFUSAL["input"]))
    assert (asked.returncode, decode_object(asked.stdout), asked.stderr) == (REFUSED, REFUSAL["result"], b"")


def test_lines_are_answered_one_by_one_and_exit_with_0() -> None:
    questions = [encode(case["input"]) for case in CASES]
    asked = ask("--lines", "schedule", question=b"\n".join([*questions, *NOT_QUESTIONS[1:]]))
    assert (asked.returncode, asked.stderr) == (ACCEPTED, b"")
    results = [decode_object(line) for line in asked.stdout.splitlines()]
    assert results[: len(CASES)] == [case["result"] for case in CASES]
    # The empty line among these is two lines in the stream.
    assert len(results) == len(CASES) + len(NOT_QUESTIONS)
    assert not any(result["accepted"] for result in results[len(CASES) :])


@pytest.mark.parametrize("arguments", [(), ("verse",), ("--lines",), ("schedule", "area"), ("--json", "schedule")])
def test_what_is_no_verb_exits_with_2(arguments: tuple[str, ...]) -> None:
    sink = io.BytesIO()
    assert run(arguments, io.BytesIO(), sink) == USAGE
    assert sink.getvalue() == b""


def test_usage_names_every_verb_and_writes_no_answer() -> None:
    asked = ask("verse")
    assert (asked.returncode, asked.stdout) == (USAGE, b"")
    assert all(f"  {verb} " in asked.stderr.decode() for verb in VERBS)


@pytest.mark.parametrize("verb", sorted(VERBS))
@pytest.mark.parametrize("question", NOT_QUESTIONS)
def test_what_is_no_object_is_refused_with_a_code(verb: str, question: bytes) -> None:
    result = decode_object(answer(verb, question))
    assert set(result) == {"accepted", "code"}
    assert result["accepted"] is False
    assert result["code"].partition(".")[0] == "json"


def served(question: bytes, *arguments: str) -> tuple[int, list[JsonObject]]:
    sink = io.BytesIO()
    status = run(arguments, io.BytesIO(question), sink)
    return status, [decode_object(line) for line in sink.getvalue().splitlines()]


def test_a_question_has_a_bound_and_the_next_line_is_answered() -> None:
    long, oversized = b"x" * (MAX_QUESTION * 2 + 7), {"accepted": False, "code": "input.oversized"}
    sound = encode(TAKEN["input"])
    assert served(long, "schedule") == (REFUSED, [oversized])
    for lines in (long + b"\n" + sound + b"\n", long + b"\n" + sound):
        assert served(lines, "--lines", "schedule") == (ACCEPTED, [oversized, TAKEN["result"]])
    assert served(long, "--lines", "schedule") == (ACCEPTED, [oversized])
    exact = sound[:-1] + b" " * (MAX_QUESTION - len(sound)) + b"}"
    assert served(exact, "schedule") == (ACCEPTED, [TAKEN["result"]])


def test_an_answer_that_json_cannot_hold_is_a_refusal() -> None:
    quota = {"id": "q", "uses": 1, "per": "P999999D", "anchor": 2**53 - 1}
    question = encode({"quota": quota, "lower": 0, "used": 0})
    assert decode_object(answer("quota", question)) == {"accepted": False, "code": "json.unencodable"}


@pytest.mark.parametrize("now", [b"%d.0", b"[%d.0, %d]", b"[%d, %d]"])
def test_whole_seconds_may_be_written_as_a_float(now: bytes) -> None:
    written = now % ((TAKEN["input"]["now"],) * now.count(b"%"))
    schedule = encode(TAKEN["input"]["schedule"])
    question = b'{"schedule": %b, "now": %b}' % (schedule, written)
    assert decode_object(answer("schedule", question)) == TAKEN["result"]
