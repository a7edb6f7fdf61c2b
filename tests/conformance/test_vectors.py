"""The stored vectors are what the generator makes, and what the conformance verbs answer."""

from __future__ import annotations

from typing import Any

import pytest

from licensing_protocol.canonical import decode_object, encode
from tests.conformance.cli import VERBS, answer
from tests.vectors import make
from tests.vectors.forge import FOLDER

STORED = {path.stem: decode_object(path.read_bytes()) for path in FOLDER.glob("*.json") if path.stem != "stored"}
CASES = [
    pytest.param(file["verb"], case, id=f"{stem}: {case['name']}")
    for stem, file in sorted(STORED.items())
    for case in file["cases"]
]


@pytest.mark.parametrize(("verb", "case"), CASES)
def test_a_verb_answers_as_the_vector_says(verb: str, case: dict[str, Any]) -> None:
    assert decode_object(answer(verb, encode(case["input"]))) == case["result"]


def test_the_generator_reproduces_every_file() -> None:
    made = dict(make.texts())
    assert set(made) == {path.name for path in FOLDER.glob("*.json")}
    for name, text in made.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, name


def test_every_verb_has_vectors_that_are_taken() -> None:
    assert set(STORED) == set(VERBS)
    for stem, file in STORED.items():
        assert any(case["result"]["accepted"] for case in file["cases"]), stem


def test_the_cases_of_a_file_have_different_names_and_questions() -> None:
    for stem, file in STORED.items():
        for distinct in ("name", "input"):
            told = [encode(case[distinct]) for case in file["cases"]]
            assert len(set(told)) == len(told), (stem, distinct)
