"""Whatever is asked is answered: any part of a sound question may be anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.canonical import decode_object, encode
from tests.conformance.cli import VERBS, answer
from tests.protocol.strategies import JSON
from tests.vectors.forge import FOLDER

SOUND = {
    path.stem: [case["input"] for case in decode_object(path.read_bytes())["cases"] if case["result"]["accepted"]]
    for path in FOLDER.glob("*.json")
    if path.stem != "stored"
}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 1, 2**53 - 1, 0.5, -0.0, 1e-320, 9e15, "", "\x00", "a" * 5000, "../..", [], [[]], {}, {"": {}}]
)
ANYTHING = ODD | JSON


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every part of a question."""
    members: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, member in members for place in places(member, (*path, name)))]


def replaced(value: Any, path: tuple[Any, ...], change: Any) -> Any:
    """Return the question with one part changed; ``...`` takes the part away."""
    if not path:
        return change
    name, *rest = path
    copied = value.copy()
    if not rest and change is ...:
        del copied[name]
    else:
        copied[name] = replaced(value[name], tuple(rest), change)
    return copied


@pytest.mark.parametrize("verb", sorted(VERBS))
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_a_question_with_parts_changed_is_answered(verb: str, data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(SOUND[verb]))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(question)))
        question = replaced(question, path, data.draw(ANYTHING | st.just(...) if path else ANYTHING))
        if not isinstance(question, dict):
            break
    result = decode_object(answer(verb, encode(question)))
    assert result["accepted"] is True or set(result) == {"accepted", "code"}


@pytest.mark.parametrize("verb", sorted(VERBS))
@given(data=st.binary(max_size=60))
@settings(deadline=None, max_examples=20)
def test_any_bytes_are_answered(verb: str, data: bytes) -> None:
    assert decode_object(answer(verb, data))["accepted"] is False
