"""What holds of every decision: safety first, the strongest reason, and answers that stand as long as they say."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.decision import CompiledGrant, Contact, Denied, Granted, Place, Use, decide
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.limits import Fix
from licensing_protocol.status_list import Status
from licensing_protocol.time_bounds import TimeBounds
from tests.protocol.test_decision import AREA, CONTACT, EVERY_LIMIT, GOOD_USE, HERE, NOW, claims
from tests.protocol.test_documents import MANIFEST

FACE = "face.verify_1to1"
TIME = TimeBounds.exactly(NOW)
OURS = dataclasses.replace(MANIFEST, identity=Entitlement.parse(claims()).manifest)
# One thing each that is not kept, and the reason that it gives.
FAULTS: dict[str, dict[str, Any]] = {
    "status.suspended": {"contact": Contact(Status.SUSPENDED, NOW - 1, NOW - 1)},
    "area.outside": {"place": Place(Fix(50.0, 10.0, 5.0), 1.0)},
    "quota.exhausted": {"used": 3},
    "period.over": {"time": TimeBounds.exactly(NOW + 600)},
    "authority.missing": {"use": Use({}, None, ("ada", "bo"))},
}
UNKNOWNS: dict[str, dict[str, Any]] = {
    "time.unknown": {"time": TimeBounds(NOW)},
    "area.no_position": {"place": None},
}


def outcome(entitlement: Entitlement, **changes: Any) -> Granted | Denied:
    known: dict[str, Any] = {"use": GOOD_USE, "contact": CONTACT, "time": TIME, "place": HERE, "used": 2}
    known |= changes
    return decide(entitlement, None, FACE, known.pop("use"), **known)


def degrading(**limits: Any) -> Entitlement:
    written = claims(**limits)
    written["grants"][FACE]["on_unknown"] = {"degrade": {"faces": 0}}
    return Entitlement.parse(written)


@given(st.sets(st.sampled_from(sorted(FAULTS))), st.sets(st.sampled_from(sorted(UNKNOWNS))))
@settings(deadline=None, max_examples=40)
def test_any_fault_denies_and_the_unknown_alone_degrades(faults: set[str], unknowns: set[str]) -> None:
    changes: dict[str, Any] = {}
    for name in unknowns:
        changes |= UNKNOWNS[name]
    for name in faults:
        changes |= FAULTS[name]
    # A fault in what is also unknown is known: the later change took its place.
    unknown_left = {name for name in unknowns if all(changes[key] == value for key, value in UNKNOWNS[name].items())}
    soft, strict = (
        outcome(degrading(**EVERY_LIMIT), **changes),
        outcome(Entitlement.parse(claims(**EVERY_LIMIT)), **changes),
    )
    if faults:
        assert isinstance(soft, Denied)
        assert isinstance(strict, Denied)
        assert soft.reason.code == strict.reason.code
        assert soft.reason.code in faults
    elif unknown_left:
        assert isinstance(soft, Granted)
        assert isinstance(strict, Denied)
        assert soft.degraded == {"faces": 0}
        assert soft.reason == strict.reason
        assert strict.reason.code in unknown_left
    else:
        assert isinstance(soft, Granted)
        assert soft == strict == Granted(FACE, None, (), soft.audit)


@given(
    st.integers(NOW - 50, NOW + 10_000),
    st.integers(0, 400),
    st.none() | st.integers(-400, 400),
    st.floats(0, 1),
    st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_an_answer_stands_until_the_instant_that_it_names(
    lower: int, width: int, wall: int | None, along: float, has_upper: bool
) -> None:
    schedule = {"tz": "Asia/Kathmandu", "windows": [{"days": ["MON"], "from": "08:00", "to": "20:00"}]}
    limits = {"period": {"nbf": NOW, "exp": NOW + 3000}, "schedule": schedule}
    compiled = CompiledGrant(Entitlement.parse(claims(**limits)), FACE)

    def at(later: int) -> TimeBounds:
        upper = lower + width + later if has_upper else None
        return TimeBounds(lower + later, upper, None if wall is None else lower + wall + later)

    verdict = compiled.standing(CONTACT, at(0), None)
    most = 20_000 if verdict.changes_at is None else max(0, verdict.changes_at - at(0).latest - 1)
    later = compiled.standing(CONTACT, at(int(along * min(most, 20_000))), None)
    assert later.standing is verdict.standing
    if verdict.reason is not None and later.reason is not None:
        assert later.reason.code == verdict.reason.code


def decided(entitlement: Entitlement | None, capability: str = FACE, **manifest: Any) -> str:
    asked = decide(entitlement, dataclasses.replace(OURS, **manifest), capability, Use(), contact=CONTACT, time=TIME)
    return asked.reason.code if isinstance(asked, Denied) else "granted"


def test_what_the_product_is_comes_before_what_it_may() -> None:
    sound = Entitlement.parse(claims())
    assert decided(sound) == "granted"
    assert decided(sound, "face.emotion") == "capability.unknown"
    assert decided(None) == "entitlement.absent"
    assert decided(sound, release="2") == "entitlement.release"
    assert decided(sound, identity="another") == "entitlement.manifest"
    assert decided(sound, "face.emotion", capabilities=frozenset({FACE, "face.emotion"})) == "capability.stripped"


def test_a_safety_function_is_granted_whatever_is_known() -> None:
    for entitlement in (None, Entitlement.parse(claims())):
        assert decided(entitlement, "safety.alarm") == "granted"
        assert decided(entitlement, "safety.alarm", release="2") == "granted"


def test_without_a_manifest_an_absent_entitlement_denies() -> None:
    denied = decide(None, None, FACE, Use(), contact=CONTACT, time=TIME)
    assert isinstance(denied, Denied)
    assert denied.reason.code == "entitlement.absent"


@pytest.mark.parametrize(("limits", "depends"), [({"area": AREA}, True), ({}, False)])
def test_a_grant_says_whether_a_position_can_change_the_answer(limits: dict[str, Any], depends: bool) -> None:
    assert CompiledGrant(Entitlement.parse(claims(**limits)), FACE).depends_on_place is depends


@pytest.mark.parametrize("number", [float("nan"), 91.0, -91.0])
def test_a_position_that_is_none_is_no_position(number: float) -> None:
    denied = outcome(Entitlement.parse(claims(area=AREA)), place=Place(Fix(number, 10.0, 5.0), 1.0))
    assert isinstance(denied, Denied)
    assert denied.reason.code == "area.no_position"


@pytest.mark.parametrize("age", [61.0, float("nan"), float("inf")])
def test_a_position_without_a_recent_age_is_no_position(age: float) -> None:
    denied = outcome(Entitlement.parse(claims(area=AREA)), place=Place(HERE.fix, age))
    assert isinstance(denied, Denied)
    assert denied.reason.code == "area.no_position"
