"""RFC 9485 patterns against Python's own engine, which agrees on what both know (protocol §3)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.limits.iregexp import Pattern

ATOMS = st.sampled_from(["a", "b", "é", ".", "[ab]", "[^a]", "[a-c]", "[-b]", "[a-]", r"\.", r"\n", r"[\]\\]", ""])
QUANTITIES = st.sampled_from(["", "*", "+", "?", "{2}", "{0}", "{1}", "{0,1}", "{1,}", "{2,3}"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, QUANTITIES).map(lambda pair: f"({pair[0]}){pair[1]}")
        | st.lists(inner, min_size=2, max_size=3).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map("|".join)
    ),
    max_leaves=6,
)
TEXTS = st.text("abcé.-]\\\n", max_size=8)


@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=5))
@settings(deadline=None, max_examples=150)
def test_a_pattern_matches_what_python_matches(source: str, texts: list[str]) -> None:
    pattern, peer = Pattern.parse(source), re.compile(source)
    # Each text twice: what a walk remembers must not change the answer.
    for text in texts * 2:
        assert pattern.matches(text) == bool(peer.fullmatch(text)), (source, text)


@given(st.text(max_size=12))
@settings(deadline=None, max_examples=100)
def test_any_text_is_a_pattern_or_is_refused(source: str) -> None:
    try:
        code = "" if Pattern.parse(source) == Pattern.parse(source) else "unequal"
    except MalformedDocument as refused:
        code = refused.code
    assert code in {"", "authority.pattern"}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
@settings(deadline=None)
def test_a_text_whose_every_character_is_escaped_matches_itself_only(text: str) -> None:
    source = "".join(f"\\{char}" if char in "()*+-.?[\\]^{|}" else char for char in text)
    assert Pattern.parse(source).matches(text)
    assert not Pattern.parse(source).matches(text + "!")


def test_more_texts_than_are_remembered_change_nothing() -> None:
    pattern = Pattern.parse(r"(\p{L}|\p{N})*")
    letters = [chr(number) for number in range(0x4E00, 0x4E00 + 5000)]
    assert all(pattern.matches(f"a{letter}1") for letter in letters)
    assert all(not pattern.matches(f"{letter}-") for letter in letters[:100])


@pytest.mark.parametrize("source", ["(a*)*", "(a|a)*", "(a|aa)+", "(.*)*b"])
def test_no_pattern_stalls(source: str) -> None:
    assert not Pattern.parse(source).matches("a" * 50_000 + "!")
