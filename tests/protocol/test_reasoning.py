"""An explanation says what the decision says, shows every cause, and can always be told."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.canonical import MAX_INTEGER, decode, encode
from licensing_protocol.decision import Contact, Denied, Granted, Place, Use, decide
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.explanation import Explanation
from licensing_protocol.languages import SHIPPED, Language
from licensing_protocol.limits import Fix, Footing, Standing
from licensing_protocol.limits.verdict import together
from licensing_protocol.manifest import Manifest
from licensing_protocol.reasoning import explain
from licensing_protocol.status_list import Status
from licensing_protocol.time_bounds import TimeBounds
from tests.protocol.strategies import GRANTS, SQUARE
from tests.protocol.test_decision import AREA, CONTACT, EVERY_LIMIT, GOOD_USE, HERE, NOW, claims
from tests.protocol.test_decision_rules import OURS

FACE = "face.verify_1to1"
TIME = TimeBounds.exactly(NOW)
STEPS = [
    *["safety", "manifest", "entitlement", "release", "identity", "grant", "limits", "status", "validity", "freshness"],
    *["period", "schedule", "area", "authority", "operators", "parameters", "quota"],
]
NEAR = st.integers(NOW - 2000, NOW + 12_000)
CONTACTS = st.builds(Contact, st.none() | st.sampled_from(Status), st.just(0) | NEAR, st.just(0) | NEAR)
TIMES = st.builds(
    lambda lower, width, wall: TimeBounds(lower, None if width is None else lower + width, wall and lower + wall),
    NEAR | st.integers(0, MAX_INTEGER - 10**9),
    st.none() | st.integers(0, 500),
    st.none() | st.integers(-300, 300),
)
NUMBERS = st.floats(-200, 200) | st.just(float("nan"))
FOOTINGS = st.none() | st.builds(Footing, st.sampled_from(Standing), st.floats(0, 100))
PLACES = st.none() | st.builds(
    Place,
    st.builds(Fix, st.floats(46, 50), st.floats(8, 12), st.floats(0, 2000)) | st.builds(Fix, NUMBERS, NUMBERS, NUMBERS),
    NUMBERS,
    FOOTINGS,
)
USES = st.builds(
    Use,
    st.fixed_dictionaries({}, optional={"faces": st.integers(0, 4), "odd": st.just(float("nan"))}),
    st.none() | st.sampled_from(["", "DE/2026", "reasons"]),
    st.lists(st.sampled_from(["ada", "bo", ""]), max_size=3).map(tuple),
)


@st.composite
def entitlements(draw: st.DrawFn) -> Entitlement:
    written = claims(**{kind: limit for kind, limit in EVERY_LIMIT.items() if draw(st.booleans())})
    grant: dict[str, Any] = draw(st.just(written["grants"][FACE]) | GRANTS)
    grant = grant | {"on_unknown": draw(st.sampled_from(["deny", {"degrade": {"faces": 0}}]))}
    if draw(st.booleans()):
        grant = grant | {"limits": grant["limits"] | {"telepathy": {}}}
    disc = written["zones"]["square"] | {
        "name": "Disc",
        "geometry": {"circle": {"center": [9.5, 48.0], "radius_m": 9000}},
    }
    zones = written["zones"] | {"disc": disc, "pair": disc | {"geometry": {"type": "Polygon", "coordinates": SQUARE}}}
    return Entitlement.parse(written | {"zones": zones, "grants": {FACE: grant} if draw(st.booleans()) else {}})


MANIFESTS = st.none() | st.builds(
    lambda **changes: dataclasses.replace(OURS, **changes),
    release=st.sampled_from([OURS.release, "2"]),
    identity=st.sampled_from([OURS.identity, "another"]),
    capabilities=st.sampled_from([OURS.capabilities, frozenset()]),
    safety=st.sampled_from([OURS.safety, frozenset({FACE})]),
)


def strongest(explanation: Explanation) -> Any:
    return together(step.verdict for step in explanation.steps)


@given(st.none() | entitlements(), MANIFESTS, USES, CONTACTS, TIMES, PLACES, st.integers(0, 5))
@settings(deadline=None, max_examples=300)
def test_it_says_what_the_decision_says_and_its_strongest_step_is_the_reason(
    entitlement: Entitlement | None,
    manifest: Manifest | None,
    use: Use,
    contact: Contact,
    time: TimeBounds,
    place: Place | None,
    used: int,
) -> None:
    known: dict[str, Any] = {"contact": contact, "time": time, "place": place, "used": used}
    decision = decide(entitlement, manifest, FACE, use, **known)
    explanation = explain(entitlement, manifest, FACE, use, **known)
    assert explanation.decision == decision
    verdict = strongest(explanation)
    assert verdict.reason == decision.reason
    assert (verdict.standing is Standing.FAILS) <= isinstance(decision, Denied)
    assert (verdict.standing is Standing.HOLDS) == (decision.reason is None)
    names = [step.name for step in explanation.steps]
    assert names == [name for name in STEPS if name in names]
    assert decode(encode(explanation.to_json())) is not None
    for tag in SHIPPED:
        assert FACE in explanation.told(Language.named(tag))


def explained(entitlement: Entitlement, **changes: Any) -> Explanation:
    known: dict[str, Any] = {"use": GOOD_USE, "contact": CONTACT, "time": TIME, "place": HERE, "used": 2}
    known |= changes
    return explain(entitlement, OURS, FACE, known.pop("use"), **known)


def facts(explanation: Explanation, name: str) -> dict[str, Any]:
    (found,) = [step.facts for step in explanation.steps if step.name == name]
    return found


def test_a_granted_use_shows_every_step_and_until_when_each_stands() -> None:
    explanation = explained(Entitlement.parse(claims(**EVERY_LIMIT)))
    assert isinstance(explanation.decision, Granted)
    assert [step.name for step in explanation.steps] == STEPS
    assert explanation.degrade is None
    until = {step.name: step.verdict.changes_at for step in explanation.steps if step.verdict.changes_at is not None}
    assert until["validity"] == NOW + 9000
    assert until["freshness"] == NOW - 1 + 1000
    assert until["period"] == NOW + 500
    assert until["area"] == NOW + 59
    assert explanation.against == ()
    assert explanation.possible_at is None


def test_the_facts_are_ages_distances_and_counts_and_nothing_that_was_said() -> None:
    use = Use({"faces": 2, "subject": "Q-77"}, "DE/2026", ("adalbert", "boris"))
    explanation = explained(Entitlement.parse(claims(**EVERY_LIMIT)), use=use)
    freshness, quota, area = (facts(explanation, name) for name in ("freshness", "quota", "area"))
    assert (freshness["list_age_s"], freshness["max_offline_s"], freshness["report_age_s"]) == (1, 1000, 1)
    assert (quota["used"], quota["left"], quota["of"]) == (2, 1, 3)
    (zone,) = area["zones"]
    assert (zone["zone"], zone["position"], zone["unsure_within_m"]) == ("Square", "in", 15.0)
    assert zone["border_m"] == pytest.approx(-74_623, abs=10)
    told = str(explanation) + encode(explanation.to_json()).decode()
    assert not [said for said in ("adalbert", "boris", "DE/2026", "Q-77", "48.0") if said in told]


def test_every_cause_is_shown_and_the_first_of_the_strongest_is_the_reason() -> None:
    broken = explained(
        Entitlement.parse(claims(**EVERY_LIMIT)), contact=Contact(None, 0, 0), place=None, use=Use(), used=9
    )
    codes = [reason.code for reason in broken.against]
    assert codes == [
        *[
            "status.absent",
            "status.stale",
            "area.no_position",
            "authority.missing",
            "operators.too_few",
            "quota.exhausted",
        ]
    ]
    assert broken.decision.reason is not None
    assert broken.decision.reason.code == "status.absent"
    assert facts(broken, "freshness")["list_age_s"] is None
    for code in codes:
        assert code in str(broken)


def test_what_a_release_forbids_hides_nothing_else() -> None:
    other = dataclasses.replace(OURS, release="2")
    suspended = Contact(Status.SUSPENDED, NOW - 1, NOW - 1)
    explanation = explain(Entitlement.parse(claims()), other, FACE, Use(), contact=suspended, time=TIME)
    assert [reason.code for reason in explanation.against] == ["entitlement.release", "status.suspended"]


MORNING = {"tz": "UTC", "windows": [{"days": ["MON"], "from": "16:00", "to": "18:00"}], "except": []}
OPENS = NOW - (14 * 3600 + 13 * 60 + 20) + 16 * 3600


@pytest.mark.parametrize(
    ("limits", "used", "reason_at", "possible_at"),
    [
        ({"schedule": MORNING}, 0, OPENS, OPENS),
        ({"period": {"nbf": NOW + 60, "exp": NOW + 120}}, 0, NOW + 60, NOW + 60),
        # Two causes that time takes away: the later of their instants.
        ({"schedule": MORNING, "quota": {"id": "q", "uses": 1, "per": "PT1H", "anchor": NOW}}, 1, OPENS, OPENS),
        ({"schedule": MORNING, "quota": {"id": "q", "uses": 1, "per": "PT2H", "anchor": NOW}}, 1, OPENS, NOW + 7200),
        # Nothing is promised for when the grant has ended.
        ({"schedule": MORNING, "period": {"nbf": NOW, "exp": OPENS}}, 0, None, None),
        ({"schedule": MORNING, "quota": {"id": "q", "uses": 1, "per": "PT9H", "anchor": NOW}}, 1, OPENS, None),
        ({"quota": {"id": "q", "uses": 0, "per": "PT1H", "anchor": NOW}}, 0, None, None),
        # An operator has to do something first.
        ({"schedule": MORNING, "operators": {"distinct": 3}}, 0, OPENS, None),
    ],
)
def test_when_asking_again_makes_sense(
    limits: dict[str, Any], used: int, reason_at: int | None, possible_at: int | None
) -> None:
    explanation = explained(Entitlement.parse(claims(**limits)), used=used)
    assert isinstance(explanation.decision, Denied)
    assert explanation.decision.reason.retry_at == reason_at
    assert explanation.possible_at == possible_at
    assert ("may have gone" in str(explanation)) == (possible_at is not None)


@given(
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(["PT1H", "PT90M", "P1D"]),
    st.sampled_from(["15:00", "16:00"]),
    st.integers(0, 20_000),
)
@settings(deadline=None, max_examples=100)
def test_before_the_instants_that_are_named_nothing_goes(along: float, per: str, opens: str, begins: int) -> None:
    window = {"days": ["MON", "TUE"], "from": opens, "to": "24:00"}
    limits = {
        "schedule": {"tz": "UTC", "windows": [window], "except": []},
        "period": {"nbf": NOW + begins, "exp": NOW + 10**6},
        "quota": {"id": "q", "uses": 1, "per": per, "anchor": NOW},
    }
    written = claims(**limits) | {"exp": NOW + 10**6}
    written["grants"][FACE]["freshness"] |= {"max_offline": 10**6, "max_silent": 10**6}
    entitlement = Entitlement.parse(written)
    first = explained(entitlement, used=1)
    ends = facts(first, "quota")["window_ends_at"]
    for reason in first.against:
        assert reason.retry_at is not None
        earlier = NOW + int(along * (reason.retry_at - NOW))
        later = explained(entitlement, time=TimeBounds.exactly(earlier), used=1 if earlier < ends else 0)
        assert reason.code in [found.code for found in later.against]
    assert first.possible_at == max(reason.retry_at or 0 for reason in first.against)


def test_a_safety_function_is_explained_in_one_step() -> None:
    explanation = explain(None, OURS, "safety.alarm", Use(), contact=Contact(), time=TIME)
    assert explanation.decision == Granted("safety.alarm")
    assert [(step.name, step.facts) for step in explanation.steps] == [("safety", {"never_gated": True})]


def test_what_becomes_of_the_unknown_is_told() -> None:
    written = copy.deepcopy(claims(area=AREA))
    strict = explained(Entitlement.parse(written), place=None)
    written["grants"][FACE]["on_unknown"] = {"degrade": {"faces": 0}}
    soft = explained(Entitlement.parse(written), place=None)
    assert (strict.to_json()["on_unknown"], soft.to_json()["on_unknown"]) == ("deny", {"degrade": {"faces": 0}})
    assert str(strict).splitlines()[0] == f"{FACE}: denied"
    assert str(soft).splitlines()[0] == f"{FACE}: granted in a lesser form"
    assert '{"faces":0}' in str(soft)
    assert "in geringerer Form" in soft.told(Language.named("de"))


@pytest.mark.parametrize(("before", "until", "code"), [(0.0, 59, None), (40.0, 20, "area.uncertain"), (61.0, 59, None)])
def test_a_stricter_answer_before_is_told_with_how_long_it_lasts(before: float, until: int, code: str | None) -> None:
    near = Fix(48.99986, 10.0, 5.0)
    footing = Footing(Standing.UNKNOWN if before else Standing.HOLDS, before)
    place = Place(near, 1.0, footing)
    explanation = explained(Entitlement.parse(claims(area=AREA)), place=place)
    (step,) = [step for step in explanation.steps if step.name == "area"]
    assert (None if step.verdict.reason is None else step.verdict.reason.code) == code
    assert step.verdict.changes_at == NOW + until
    assert step.facts["last_answer"] == footing.standing.name.lower()


def test_of_many_zones_only_the_nearest_are_told() -> None:
    written = claims(area=AREA | {"allow": [f"z{n}" for n in range(12)]})
    circle = written["zones"].pop("square")
    for n in range(12):
        geometry = {"circle": {"center": [10.0, 50.0 - n / 10], "radius_m": 1000}}
        written["zones"][f"z{n}"] = circle | {"name": f"Zone {n}", "geometry": geometry}
    explanation = explained(Entitlement.parse(written))
    assert [zone["zone"] for zone in facts(explanation, "area")["zones"]] == [f"Zone {n}" for n in (11, 10, 9, 8, 7)]
    assert explanation.decision.reason is not None
    assert explanation.decision.reason.zone == "Zone 11"


@pytest.mark.parametrize(
    ("area", "latitude", "zone"),
    [
        ({"allow": ["square"], "deny": []}, 48.99999, "Square"),
        ({"allow": [], "deny": ["square"]}, 49.00001, "Square"),
        ({"allow": ["disc"], "deny": ["square"]}, 49.00001, "Square"),
    ],
)
def test_an_uncertain_place_names_the_zone_whose_border_is_too_close(
    area: dict[str, Any], latitude: float, zone: str
) -> None:
    written = claims(area=AREA | area)
    around = {"circle": {"center": [10.0, 49.0], "radius_m": 50_000}}
    written["zones"]["disc"] = written["zones"]["square"] | {"name": "Disc", "geometry": around}
    explanation = explained(Entitlement.parse(written), place=Place(Fix(latitude, 10.0, 5.0), 1.0))
    assert explanation.decision.reason is not None
    assert (explanation.decision.reason.code, explanation.decision.reason.zone) == ("area.uncertain", zone)


def test_a_grant_that_cannot_be_evaluated_here_shows_what_can_be() -> None:
    atlantis = {"tz": "Europe/Atlantis", "windows": MORNING["windows"], "except": []}
    suspended = Contact(Status.SUSPENDED, NOW - 1, NOW - 1)
    explanation = explained(Entitlement.parse(claims(schedule=atlantis)), contact=suspended)
    assert [reason.code for reason in explanation.against] == ["limit.unsupported", "status.suspended"]
    assert [step.name for step in explanation.steps][-4:] == ["limits", "status", "validity", "freshness"]
    assert explanation.decision.reason == explanation.against[0]
