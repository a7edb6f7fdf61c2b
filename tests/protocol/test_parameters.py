"""Schemas for the parameters of a call (protocol §3), and what happens without the library."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.decision import CompiledGrant, Contact, Denied, Use, decide
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.limits.parameters import Parameters
from licensing_protocol.limits.verdict import Standing
from licensing_protocol.status_list import Status
from licensing_protocol.time_bounds import TimeBounds
from tests.protocol.strategies import JSON, NAMES
from tests.protocol.test_decision import AREA, NOW, claims

CLOSED = Parameters.parse({"properties": {"n": {"type": "integer", "maximum": 3}}, "additionalProperties": False})
ANYTHING = Parameters.parse({"$schema": "https://json-schema.org/draft/2020-12/schema"}).compile()


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ({"n": 4}, "n breaks the rule maximum"),
        ({"n": 1.5}, "n breaks the rule type"),
        ({"n": True}, "n breaks the rule type"),
        ({"m": 1}, "the call breaks the rule additionalProperties"),
        ({"n": math.nan}, "the call is not JSON"),
        ({"n": 2**53}, "the call is not JSON"),
        ({"n": {1, 2}}, "the call is not JSON"),
        ({1: 1}, "the call is not JSON"),
        ({"\ud800": 1}, "the call is not JSON"),
    ],
)
def test_a_call_that_does_not_fit_is_refused_by_place_and_rule(call: dict[str, Any], problem: str) -> None:
    verdict = CLOSED.compile().evaluate(call)
    assert verdict.standing is Standing.FAILS
    assert verdict.reason is not None
    assert verdict.reason.details == {"problem": problem}
    assert problem in verdict.reason.sentence


@pytest.mark.parametrize("call", [{}, {"n": 3}, {"n": 3.0}, {"n": -1}])
def test_a_call_that_fits_is_taken(call: dict[str, Any]) -> None:
    assert CLOSED.compile().evaluate(call).standing is Standing.HOLDS


def test_where_nothing_at_all_is_allowed_the_rule_has_no_name() -> None:
    verdict = Parameters.parse({"not": {}}).compile().evaluate({})
    assert verdict.reason is not None
    assert verdict.reason.details == {"problem": "the call breaks the rule not"}


@given(st.dictionaries(NAMES, JSON, max_size=4))
@settings(deadline=None, max_examples=60)
def test_a_schema_without_rules_takes_every_call_that_is_json(call: dict[str, Any]) -> None:
    assert ANYTHING.evaluate(call).standing is Standing.HOLDS


@given(st.dictionaries(NAMES, JSON, max_size=4), NAMES, st.sampled_from([math.nan, math.inf, 2.0**60, b"", {1: 2}]))
@settings(deadline=None, max_examples=60)
def test_what_json_cannot_hold_is_refused_wherever_it_stands(call: dict[str, Any], name: str, foreign: Any) -> None:
    for place in (foreign, [foreign], {"deep": [0, {"deeper": foreign}]}):
        assert ANYTHING.evaluate(call | {name: place}).standing is Standing.FAILS


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ({"description": "x" * 32_768}, "field.range"),
        ({"$ref": "https://elsewhere.example/"}, "parameters.reference"),
        ({"$schema": "https://elsewhere.example/"}, "parameters.dialect"),
    ],
)
def test_a_schema_is_short_and_stands_for_itself(schema: dict[str, Any], code: str) -> None:
    with pytest.raises(MalformedDocument) as refused:
        Parameters.parse(schema)
    assert refused.value.code == code


def denial(limits: dict[str, Any]) -> Denied:
    entitlement = Entitlement.parse(claims(**limits))
    contact, time = Contact(Status.VALID, NOW, NOW), TimeBounds.exactly(NOW)
    decision = decide(entitlement, None, "face.verify_1to1", Use(), contact=contact, time=time)
    assert isinstance(decision, Denied)
    return decision


def test_a_schema_that_is_none_denies_its_capability_only() -> None:
    compiled = CompiledGrant(Entitlement.parse(claims(parameters={"type": "nothing"})), "face.verify_1to1")
    assert compiled.unsupported == ("parameters.schema",)
    assert denial({"parameters": {"type": "nothing"}}).reason.code == "limit.unsupported"


@pytest.mark.parametrize(
    ("library", "limits", "code"),
    [
        ("jsonschema_rs", {"parameters": {}}, "parameters.unavailable"),
        ("licensing_protocol.limits.border", {"area": AREA}, "area.unavailable"),
    ],
)
def test_a_limit_whose_library_is_not_installed_denies_its_capability_only(
    monkeypatch: pytest.MonkeyPatch, library: str, limits: dict[str, Any], code: str
) -> None:
    # None in sys.modules is how Python itself says that a module cannot be imported.
    monkeypatch.setitem(sys.modules, library, None)
    denied = denial(limits)
    assert denied.reason.code == "limit.unsupported"
    assert code in denied.reason.sentence
