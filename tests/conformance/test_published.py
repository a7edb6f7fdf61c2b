"""What public logs, witnesses and other implementations published is read here as they read it."""

from __future__ import annotations

from typing import Any

import pytest

from licensing_protocol.canonical import decode_object, encode
from licensing_protocol.errors import InterlockError
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.merkle import leaf_hash, root_hash
from licensing_protocol.log.note import Note
from licensing_protocol.log.policy import Policy
from tests.conformance.cli import answer
from tests.vectors.forge import FOLDER

PUBLISHED = {path.stem: decode_object(path.read_bytes()) for path in (FOLDER / "published").glob("*.json")}
CASES = [
    pytest.param(case, id=f"{stem}: {case['name']}")
    for stem, file in sorted(PUBLISHED.items())
    for case in file["cases"]
]


@pytest.mark.parametrize("case", CASES)
def test_what_others_take_is_taken_and_what_they_refuse_is_refused(case: dict[str, Any]) -> None:
    told = policy(case["input"]) if case["verb"] == "policy" else answer(case["verb"], encode(case["input"]))
    assert decode_object(told) == case["result"]


def policy(question: dict[str, Any]) -> bytes:
    """Read a policy alone, which no verb does."""
    try:
        Policy.parse(question["policy"].encode("latin-1"))
    except InterlockError as error:
        return encode({"accepted": False, "code": error.code})
    return encode({"accepted": True})


def test_each_file_says_whose_data_it_is() -> None:
    assert len(PUBLISHED) >= 5
    for stem, file in PUBLISHED.items():
        assert set(file) == {"about", "source", "commit", "licence", "cases"}, stem
        verdicts = {case["result"]["accepted"] for case in file["cases"]}
        assert True in verdicts, stem


def test_a_log_of_others_has_the_roots_that_it_signed() -> None:
    cases = PUBLISHED["serverless-log"]["cases"]
    heads = [Checkpoint.parse(Note.parse(case["input"]["note"].encode()).text) for case in cases]
    leaves = [leaf_hash(word.encode()) for word in cases[-1]["comment"].split()]
    assert [head.root for head in heads] == [root_hash(leaves[: head.size]) for head in heads]
    assert heads[-1].size == len(leaves)
