"""The pure part of enforcement: until when an answer holds, what a quota gives, and what is counted."""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.enforcement import quotas, records
from device_agent.enforcement.answer import evaluate, needs_disk
from device_agent.enforcement.block import Block
from device_agent.enforcement.denials import Denials
from device_agent.enforcement.tally import Tally
from device_agent.location import Sighting
from device_agent.store import Store
from licensing_protocol.canonical import to_base64url
from licensing_protocol.decision import CompiledGrant, Contact, Denied, Granted, Use
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.limits import Fix, Quota
from licensing_protocol.reasons import Reason
from licensing_protocol.status_list import Status
from licensing_protocol.time_bounds import TimeBounds

NOW = 1_790_000_000
CAPABILITY = "face.verify_1to1"
SQUARE = [[[9.0, 47.0], [11.0, 47.0], [11.0, 49.0], [9.0, 49.0], [9.0, 47.0]]]
ZONE = {
    "name": "Square",
    "geometry": {"type": "Polygon", "coordinates": SQUARE},
    "source": "test",
    "accuracy_m": 10.0,
    "pov": "none",
}


def grant(audit: str = "none", on_unknown: Any = "deny", capability: str = CAPABILITY, **limits: Any) -> CompiledGrant:
    member = {
        "status": {"uri": "https://x.example/1", "idx": 5},
        "freshness": {"max_offline": 100_000, "max_silent": 200_000, "per_boot": False},
        "limits": limits,
        "on_unknown": on_unknown,
        "audit": audit,
        "obligations": [],
    }
    digest = to_base64url(bytes(32))
    claims = {
        "iss": "exporter",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 50_000,
        "jti": "e1",
        "sub": "device",
        "cnf": {"jkt": digest},
        "ver": NOW,
        "product": "camera",
        "releases": ["1"],
        "manifest": digest,
        "authorisation": {"reference": "EX-1", "end_user": "party"},
        "zones": {"square": ZONE},
        "grants": {capability: member},
    }
    return CompiledGrant(Entitlement.parse(claims), capability)


CONTACT = Contact(Status.VALID, NOW, NOW)
PERIOD = {"nbf": NOW, "exp": NOW + 1000}
AREA = {"allow": ["square"], "deny": [], "max_age": 60, "max_uncertainty_m": 100.0}


@given(st.integers(0, 999), st.floats(0, 1, exclude_max=True), st.integers(0, 2000))
def test_an_answer_never_outlives_the_second_in_which_it_changes(elapsed: int, fraction: float, later: int) -> None:
    """Whole seconds are all that bounds tell, so the clocks may be ``fraction`` further than they say."""
    period, boottime = grant(period=PERIOD), 5000.0 + elapsed + fraction
    answer = evaluate(period, CONTACT, TimeBounds.exactly(NOW + elapsed), None, boottime)
    asked = boottime + later
    then = evaluate(period, CONTACT, TimeBounds.exactly(int(asked - 5000.0) + NOW), None, asked)
    if asked < answer.until - 0.01:
        assert then.decision == answer.decision


def test_an_answer_that_time_cannot_change_holds_until_the_entitlement_or_the_contact_ends() -> None:
    answer = evaluate(grant(), CONTACT, TimeBounds.exactly(NOW), None, 10.0)
    assert answer.until == 10.0 + 50_000 - 1
    assert answer.is_whole


def test_a_position_ages() -> None:
    sighting = Sighting(Fix(48.0, 10.0, 5.0), 10.0)
    answer = evaluate(grant(area=AREA), CONTACT, TimeBounds.exactly(NOW), sighting, 20.0)
    assert answer.decision == Granted(CAPABILITY)
    assert answer.until == 70.0
    later = evaluate(grant(area=AREA), CONTACT, TimeBounds.exactly(NOW + 61), sighting, 71.0)
    assert later.decision == Denied(CAPABILITY, Reason("area.no_position", {"max_age": 60}))


def test_what_is_unknown_degrades_where_the_grant_says_so() -> None:
    degrading = grant(on_unknown={"degrade": {"faces": 1}}, area=AREA)
    decision = evaluate(degrading, CONTACT, TimeBounds.exactly(NOW), None, 10.0).decision
    assert isinstance(decision, Granted)
    assert decision.degraded == {"faces": 1}
    assert decision.reason is not None
    assert decision.reason.code == "area.no_position"


@pytest.mark.parametrize(
    ("limits", "use", "code"),
    [
        ({"quota": {"id": "q", "uses": 3, "anchor": 0}}, Use(), "quota.exhausted"),
        ({"parameters": {"required": ["faces"]}}, Use(), "parameters.refused"),
        ({"authority": {"required": True}}, Use(), "authority.missing"),
        ({"operators": {"distinct": 2}}, Use(operators=("ada", "ada")), "operators.too_few"),
    ],
)
def test_limits_of_the_single_use_are_left_open_until_the_use(limits: dict[str, Any], use: Use, code: str) -> None:
    answer = evaluate(grant(**limits), CONTACT, TimeBounds.exactly(NOW), None, 10.0)
    assert not answer.is_whole
    assert answer.on_use(use, 3, NOW) == Denied(CAPABILITY, answer.on_use(use, 3, NOW).reason or Reason("none"))
    assert getattr(answer.on_use(use, 3, NOW).reason, "code", None) == code


def test_only_events_of_their_own_need_the_disk_for_every_use() -> None:
    assert needs_disk(grant(audit="each"))
    assert not needs_disk(grant(quota={"id": "q", "uses": 3, "anchor": 0}))
    assert not needs_disk(grant(audit="count", authority={"required": True}))


@given(st.integers(0, 3599), st.floats(0, 1, exclude_max=True), st.integers(0, 10**6))
def test_an_answer_never_outlives_the_quotas_window_by_the_lower_bound(
    elapsed: int, fraction: float, ahead: int
) -> None:
    quota = {"id": "q", "uses": 3, "per": "PT1H", "anchor": NOW}
    boottime = 5000.0 + elapsed + fraction
    bounds = TimeBounds(NOW + elapsed, None, NOW + elapsed + ahead)
    answer = evaluate(grant(quota=quota), CONTACT, bounds, None, boottime)
    # However little of its second has passed already, the window is not over then; and the wall clock ends none.
    ends = pytest.approx(boottime + 3600 - elapsed - 1)
    assert answer.until == ends if ahead < 40_000 else answer.until < boottime + 3600 - elapsed


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path)


def take(store: Store, quota: Quota, lower: int) -> int:
    with store.write() as connection:
        quotas.take(connection, quota, lower)
        return quotas.standing(connection, quota, lower)[1]


def used(store: Store, quota: Quota, lower: int) -> int:
    with store.read() as connection:
        return quotas.standing(connection, quota, lower)[1]


def test_another_anchor_refills_no_total(store: Store) -> None:
    assert take(store, Quota("q", 5, None, 0), NOW) == 1
    assert take(store, Quota("q", 5, None, NOW), NOW + 1) == 2
    store.close()


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("store"))
    yield store
    store.close()


@given(st.lists(st.integers(0, 10 * 86_400), min_size=1, max_size=20), st.sampled_from([None, "P1D", "PT1H"]))
def test_a_window_gives_its_uses_once_however_time_is_told(
    shared_store: Store, times: list[int], per: str | None
) -> None:
    quota = Quota(secrets.token_hex(8), 5, per, 0)
    spent: dict[int, int] = {}
    newest = -1
    with shared_store.write() as connection:
        for lower in times:
            newest = max(newest, quota.window(lower).index)
            spent[newest] = spent.get(newest, 0) + 1
            quotas.take(connection, quota, lower)
            # Even a lower bound that fell would find the newest window, not a fresh one.
            assert quotas.standing(connection, quota, lower)[1] == spent[newest]


def test_a_later_window_starts_empty(store: Store) -> None:
    quota = Quota("q", 5, "P1D", 0)
    assert take(store, quota, 10) == 1
    assert used(store, quota, 86_399) == 1
    assert used(store, quota, 86_400) == 0
    assert take(store, quota, 86_400) == 1


def test_a_longer_window_under_the_same_id_begins_with_what_is_spent(store: Store) -> None:
    for _ in range(4):
        take(store, Quota("q", 5, "P1D", 0), 40 * 86_400)
    assert used(store, Quota("q", 5, "P7D", 0), 40 * 86_400) == 4
    assert used(store, Quota("q", 5, None, 0), 40 * 86_400) == 4


def test_quotas_of_different_ids_are_apart(store: Store) -> None:
    take(store, Quota("one", 5, None, 0), 1)
    assert used(store, Quota("other", 5, None, 0), 1) == 0


def test_what_is_given_back_can_be_taken_again_but_only_in_its_window(store: Store) -> None:
    quota = Quota("q", 5, "P1D", 0)
    with store.write() as connection:
        begins = quotas.take(connection, quota, 10, 4)
        quotas.give_back(connection, "q", begins, 3)
    assert used(store, quota, 10) == 1
    with store.write() as connection:
        quotas.take(connection, quota, 86_400, 2)
        quotas.give_back(connection, "q", begins, 1)
    assert used(store, quota, 86_400) == 2


def test_a_store_that_does_not_know_of_so_many_uses_gives_none_of_them_back(store: Store) -> None:
    quota = Quota("q", 5, None, 0)
    take(store, quota, 10)
    with store.write() as connection:
        quotas.give_back(connection, "q", 0, 2)
        quotas.give_back(connection, "other", 0, 2)
    assert used(store, quota, 10) == 1


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads take turns in the middle of everything."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_a_tally_counts_every_use_of_every_thread_once(eager_threads: None) -> None:
    tally, taken = Tally(), 0

    def use() -> None:
        left = 20_000
        while left:
            left -= block.hand_out()

    block = tally.block(CAPABILITY)
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert tally.block(CAPABILITY) is block
        counts = tally.pending()
        taken += counts.get(CAPABILITY, 0)
        tally.written(counts)
    assert taken + tally.pending().get(CAPABILITY, 0) == 80_000


def test_a_block_gives_each_use_to_one_thread_or_back(eager_threads: None) -> None:
    block, handed_out, taken_back, told, stop = Block(), [0] * 4, 0, 0, threading.Event()

    def use(number: int) -> None:
        while not stop.is_set():
            handed_out[number] += block.hand_out()

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        block.fill(100)
        told += block.fresh()
        taken_back += block.take_back()
    stop.set()
    for thread in threads:
        thread.join()
    assert sum(handed_out) + taken_back == 300 * 100
    assert told + block.fresh() == sum(handed_out)
    assert taken_back > 0


def test_what_could_not_be_written_is_counted_again_later() -> None:
    tally = Tally()
    tally.block(CAPABILITY).take()
    assert tally.pending() == {CAPABILITY: 1}
    tally.add({CAPABILITY: 1})
    counts = tally.pending()
    assert counts == {CAPABILITY: 2}
    tally.written(counts)
    assert tally.pending() == {}


def test_the_first_denial_is_written_at_once_and_a_storm_together() -> None:
    denials, denied = Denials(), Denied(CAPABILITY, Reason("capability.stripped"))
    assert denials.add(denied, 10.0)
    denials.written(denials.pending(), 10.0)
    assert not any(denials.add(denied, 10.0 + step / 100) for step in range(50))
    assert denials.add(denied, 11.0)
    assert denials.pending() == {(CAPABILITY, "capability.stripped"): 51}
    assert denials.add(Denied(CAPABILITY, Reason("status.stale")), 10.1)


def test_names_that_are_no_capability_are_not_repeated_in_the_record() -> None:
    denials = Denials()
    denials.add(Denied("Mr Smith, 12 Main Street", Reason("capability.unknown")), 1.0)
    assert denials.pending() == {("unnamed", "capability.unknown"): 1}


def test_a_product_that_invents_names_does_not_fill_the_memory() -> None:
    denials = Denials()
    for number in range(10_000):
        denials.add(Denied(f"made.up{number}", Reason("capability.unknown")), 1.0)
    assert len(denials.pending()) <= 256


def test_usage_adds_up(store: Store) -> None:
    for _ in range(2):
        with store.write() as connection:
            records.count(connection, {CAPABILITY: 2}, {CAPABILITY: 1, "av.record": 4})
    with store.read() as connection:
        rows = connection.execute("SELECT capability, uses, denials FROM usage ORDER BY capability").fetchall()
    assert rows == [("av.record", 0, 8), (CAPABILITY, 4, 2)]


def test_never_is_as_far_as_an_answer_can_hold() -> None:
    answer = evaluate(grant(foreign={"x": 1}), CONTACT, TimeBounds.exactly(NOW), None, 10.0)
    assert answer.until == inf
    assert isinstance(answer.decision, Denied)
    assert answer.decision.reason.code == "limit.unsupported"
