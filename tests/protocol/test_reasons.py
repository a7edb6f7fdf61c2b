"""Every reason has a sentence, every sentence a reason, and every reader of members its code."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import licensing_protocol
from licensing_protocol import canonical
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields
from licensing_protocol.reasons import SENTENCES, Reason

FOLDER = Path(licensing_protocol.__file__).parent


def codes_given() -> set[str]:
    """Return the first argument of every call of ``Reason`` in the protocol."""
    calls = (node for path in FOLDER.rglob("*.py") for node in ast.walk(ast.parse(path.read_text())))
    return {
        str(literal.value)
        for node in calls
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason"
        for literal in ast.walk(node.args[0])
        if isinstance(literal, ast.Constant) and "." in str(literal.value)
    }


def test_every_reason_that_is_given_has_a_sentence() -> None:
    assert len(codes_given()) > 20
    assert codes_given() <= set(SENTENCES)


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_ends_and_fills_in_its_details(code: str) -> None:
    details: dict[str, str | int] = {"limits": "telepathy", "problem": "n breaks the rule type", "distinct": 2}
    sentence = Reason(code, details).sentence
    assert sentence.endswith(".")
    assert "{" not in sentence


@pytest.mark.parametrize(
    "value", [b"bytes", {1: 2}, {"a": {1}}, float("nan"), float("inf"), 2**53, -(2**53), 1e300, "\ud800", {"\ud800": 1}]
)
def test_what_json_lacks_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(MalformedDocument) as refused:
        canonical.encode(value)
    assert refused.value.code == "json.unencodable"


@pytest.mark.parametrize("depth", [31, 32, 33, 100_000])
def test_what_is_encoded_can_be_decoded(depth: int) -> None:
    nested: Any = []
    for _ in range(depth - 1):
        nested = [nested]
    if depth <= canonical.MAX_DEPTH:
        assert canonical.decode(canonical.encode(nested)) == nested
    else:
        with pytest.raises(MalformedDocument) as refused:
            canonical.encode(nested)
        assert refused.value.code == "json.depth"


def read(value: Any, reader: str, **bounds: Any) -> Any:
    return getattr(Fields({"m": value}, "test"), reader)("m", **bounds)


@pytest.mark.parametrize(
    ("reader", "bounds", "taken", "of_another_type", "out_of_range"),
    [
        ("text", {"longest": 3}, "abc", 3, ["", "abcd"]),
        ("integer", {"least": 2, "most": 4}, 3, True, [1, 5]),
        ("integer", {}, 0, 1.0, [-1, 2**53]),
        ("number", {"least": -1, "most": 1}, 0.5, "0", [-2, 1.5, float("nan")]),
        ("boolean", {}, False, 0, []),
        ("octets", {"length": 2}, "AAA", 0, ["AAAA", ""]),
        ("list_of", {"least": 1, "most": 2}, [1, 1], {}, [[], [1, 2, 3]]),
        ("texts", {"most": 2, "longest": 2}, ["a", "bb"], ["abc"], [["a", "a"], ["a", "b", "c"]]),
        ("members", {"most": 1}, {"a": 1}, [], [{"a": 1, "b": 2}]),
    ],
)
def test_a_member_has_its_type_and_its_bounds(
    reader: str, bounds: dict[str, Any], taken: Any, of_another_type: Any, out_of_range: list[Any]
) -> None:
    read(taken, reader, **bounds)
    for value, code in [
        (of_another_type, "field.type"),
        (None, "field.type"),
        *((v, "field.range") for v in out_of_range),
    ]:
        with pytest.raises(MalformedDocument) as refused:
            read(value, reader, **bounds)
        assert refused.value.code == code, value
        assert "test.m" in str(refused.value)
    with pytest.raises(MalformedDocument) as refused:
        getattr(Fields({}, "test"), reader)("m", **bounds)
    assert refused.value.code == "field.missing"
