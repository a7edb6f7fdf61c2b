"""The reference page documents every verb, and each example on it is answered as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from licensing_protocol.canonical import decode_object
from tests.conformance.cli import VERBS, answer

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "conformance.md"
SECTION = re.compile(r"^### (?P<verb>[a-z-]+)$(?P<text>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
JSON_BLOCK = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = {match["verb"]: match["text"] for match in SECTION.finditer(PAGE.read_text("utf-8"))}


def test_the_page_documents_every_verb_and_no_other() -> None:
    assert set(SECTIONS) == set(VERBS)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_example_of_a_verb_is_answered_as_the_page_says(verb: str) -> None:
    question, result = (text.encode() for text in JSON_BLOCK.findall(SECTIONS[verb]))
    assert decode_object(answer(verb, question)) == decode_object(result)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_member_of_the_example_is_explained(verb: str) -> None:
    question, _ = JSON_BLOCK.findall(SECTIONS[verb])
    prose = JSON_BLOCK.sub("", SECTIONS[verb])
    assert all(f"`{member}`" in prose for member in decode_object(question.encode()))
