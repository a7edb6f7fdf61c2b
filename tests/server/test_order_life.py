"""Second persons, emergencies, orders that take force later, and orders that cross."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from licensing_protocol.status_list import Status
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.server.fleet import BOTH, ask_order, confirm, entries, refusal, state, statuses, tag, usable
from tests.simulators.device import SimulatedDevice

HOUR_S = 3600
EVERYWHERE = {"everywhere": True}
LONG = PLAN | {"valid_for": 30 * 86_400}


@pytest.fixture
def narrow(settings: Settings) -> Iterator[Exporter]:
    """An exporter where one person's order reaches one device."""
    exporter = Exporter.begin(settings.model_copy(update={"order_devices": 1}))
    yield exporter
    exporter.end()


def test_above_the_reach_of_one_a_second_person_confirms(narrow: Exporter) -> None:
    devices = [narrow.device(), narrow.device()]
    preview = narrow.post("/v1/orders/preview", {"kind": "suspend", "scope": EVERYWHERE})
    assert preview["second_person"] is True
    order = narrow.order("suspend", scope=EVERYWHERE)
    assert (order["state"], order["targeted"], order["in_force_at"]) == ("waiting", 0, None)
    assert order["confirm_by"] == order["placed_at"] + narrow.settings.confirm_hours * HOUR_S
    assert [usable(narrow, device) for device in devices] == [BOTH, BOTH]
    assert refusal(confirm(narrow, order["id"], Role.COMPLIANCE)) == (403, "role.missing")
    confirmed = confirm(narrow, order["id"]).json()
    assert (confirmed["state"], confirmed["confirmed_by"]) == ("in_force", narrow.people[Role.APPROVER])
    assert [usable(narrow, device) for device in devices] == [set(), set()]
    types = [entry["type"] for entry in entries(narrow, subject=order["id"])]
    assert types == ["order.placed", "order.confirmed", "order.in_force"]
    assert refusal(confirm(narrow, order["id"])) == (409, "order.not_waiting")

    undoing = narrow.order("reinstate", undoes=order["id"])
    assert undoing["state"] == "waiting"
    assert [usable(narrow, device) for device in devices] == [set(), set()]
    assert confirm(narrow, undoing["id"]).json()["state"] == "in_force"
    assert [usable(narrow, device) for device in devices] == [BOTH, BOTH]


def test_what_one_person_orders_in_a_day_is_counted_together(settings: Settings) -> None:
    exporter = Exporter.begin(settings.model_copy(update={"order_devices": 2}))
    devices = [exporter.device() for _ in range(4)]
    scopes = [{"device": device.id} for device in devices]
    withdrawn = exporter.order("suspend", scope=scopes[0], effective_at=clock.now() + HOUR_S)
    exporter.order("reinstate", undoes=withdrawn["id"])
    exporter.order("suspend", scope=scopes[3], emergency=True)
    first, second = (exporter.order("suspend", scope=scope) for scope in scopes[:2])
    assert (first["state"], second["state"]) == ("in_force", "in_force")

    # Neither what was withdrawn before its time nor what lapses by itself counted; these two do.
    third = {"kind": "suspend", "scope": scopes[2]}
    assert exporter.post("/v1/orders/preview", third)["second_person"] is True
    assert exporter.order("suspend", scope=scopes[2])["state"] == "waiting"
    revocation = exporter.order("revoke", scope=scopes[0])
    assert revocation["state"] == "in_force", "another kind of order is counted by itself"
    with exporter.database.write() as session:
        ages = {"day": 86_400, "id": first["id"]}
        session.execute(text('UPDATE "order" SET in_force_at = in_force_at - :day WHERE id = :id'), ages)
    assert exporter.post("/v1/orders/preview", third)["second_person"] is False
    exporter.end()


def test_orders_for_later_are_counted_before_their_time(narrow: Exporter) -> None:
    one, other = narrow.device(), narrow.device()
    later = {"effective_at": clock.now() + HOUR_S}
    assert narrow.order("suspend", scope={"device": one.id}, **later)["state"] == "scheduled"
    assert narrow.order("suspend", scope={"device": other.id}, **later)["state"] == "waiting"


def test_nobody_is_both_persons_with_whatever_token_and_the_attempt_is_logged(narrow: Exporter) -> None:
    narrow.device(), narrow.device()
    person = narrow.post("/v1/people", {"name": "Both", "roles": ["compliance", "approver"]}, Role.ADMINISTRATOR)["id"]
    for role in (Role.COMPLIANCE, Role.APPROVER):
        narrow.tokens[role] = narrow.post(f"/v1/people/{person}/tokens", {}, Role.ADMINISTRATOR)["token"]
    order = narrow.order("suspend", scope=EVERYWHERE)
    assert refusal(confirm(narrow, order["id"])) == (409, "four_eyes.same_person")
    assert state(narrow, order) == "waiting"
    (noted,) = entries(narrow, type="four_eyes.refused")
    assert (noted["actor"], noted["subject"], noted["data"]["code"]) == (person, order["id"], "four_eyes.same_person")
    (case,) = narrow.get("/v1/alerts?kind=four_eyes.refused")["items"]
    assert (case["subject"], case["log_index"]) == (order["id"], noted["index"])


def test_a_person_role_or_token_made_for_the_occasion_is_no_second(tmp_path: Any) -> None:
    exporter = Exporter.begin(Settings(data_dir=tmp_path / "data", order_devices=0, four_eyes_hours=5))
    exporter.device()
    order = exporter.order("suspend", scope=EVERYWHERE)
    ages = {
        "UPDATE person SET created_at = created_at - 20000": "four_eyes.too_new",
        "UPDATE person_role SET given_at = given_at - 20000": "four_eyes.too_new",
        "UPDATE api_token SET vouched_at = vouched_at - 20000": None,
    }
    assert refusal(confirm(exporter, order["id"])) == (409, "four_eyes.too_new")
    for statement, code in ages.items():
        with exporter.database.write() as session:
            session.execute(text(statement))
        if code is None:
            # A token that came by rotation is as old as the first one.
            token = exporter.tokens[Role.APPROVER].partition(".")[0]
            rotated = exporter.post(f"/v1/tokens/{token}/rotation", None, Role.APPROVER)["token"]
            exporter.tokens[Role.APPROVER] = rotated
        answer = confirm(exporter, order["id"])
        assert answer.json().get("code") == code
    assert state(exporter, order) == "in_force"
    assert len(entries(exporter, type="four_eyes.refused")) == 3
    exporter.end()


def test_whom_the_first_person_made_is_no_second(narrow: Exporter) -> None:
    narrow.device(), narrow.device()
    # The first administrator holds every role, and made everybody else.
    narrow.tokens[Role.COMPLIANCE] = narrow.administrator
    order = narrow.order("suspend", scope=EVERYWHERE)
    assert refusal(confirm(narrow, order["id"])) == (409, "four_eyes.of_the_first")
    assert state(narrow, order) == "waiting"


def test_an_order_that_nobody_confirms_in_time_never_takes_force(narrow: Exporter) -> None:
    device = narrow.device()
    narrow.device()
    order = narrow.order("revoke", scope=EVERYWHERE)
    late = order["confirm_by"]
    narrow.settle(late - 1)
    assert state(narrow, order) == "waiting"
    narrow.settle(late)
    assert state(narrow, order) == "expired"
    assert refusal(confirm(narrow, order["id"])) == (409, "order.not_waiting")
    assert refusal(ask_order(narrow, "reinstate", undoes=order["id"])) == (409, "order.undone")
    assert usable(narrow, device) == BOTH
    assert narrow.order("revoke", scope=EVERYWHERE)["state"] == "waiting"


def test_an_emergency_order_holds_at_once_and_lapses_unless_confirmed(narrow: Exporter) -> None:
    device, other = narrow.device(LONG), narrow.device(LONG)
    lapsing = narrow.order("suspend", scope=EVERYWHERE, emergency=True)
    assert (lapsing["state"], usable(narrow, device), usable(narrow, other)) == ("in_force", set(), set())
    assert lapsing["lapses_at"] == lapsing["placed_at"] + narrow.settings.emergency_hours * HOUR_S
    narrow.settle(lapsing["lapses_at"] - 1)
    assert state(narrow, lapsing) == "in_force"
    narrow.settle(lapsing["lapses_at"])
    narrow.settle(lapsing["lapses_at"] + 2)
    assert (state(narrow, lapsing), usable(narrow, device)) == ("undone", BOTH)
    assert refusal(confirm(narrow, lapsing["id"])) == (409, "order.not_waiting")

    kept = narrow.order("suspend", scope=EVERYWHERE, emergency=True)
    assert confirm(narrow, kept["id"]).json()["lapses_at"] is None
    narrow.settle(kept["lapses_at"] + 5)
    assert (state(narrow, kept), usable(narrow, device)) == ("in_force", set())


@pytest.mark.parametrize(
    "members",
    [{"kind": "revoke", "emergency": True}, {"kind": "suspend", "emergency": True, "effective_at": 2**40}],
)
def test_an_emergency_order_does_nothing_else(sqlite_exporter: Exporter, members: dict[str, Any]) -> None:
    sqlite_exporter.device()
    assert refusal(ask_order(sqlite_exporter, scope=EVERYWHERE, **members)) == (422, "order.emergency")


def test_an_order_takes_force_at_its_time(exporter: Exporter) -> None:
    device = exporter.device()
    at = clock.now() + 2 * HOUR_S
    order = exporter.order("revoke", scope=EVERYWHERE, effective_at=at)
    assert (order["state"], order["effective_at"], usable(exporter, device)) == ("scheduled", at, BOTH)
    assert refusal(ask_order(exporter, "revoke", scope=EVERYWHERE)) == (409, "order.waiting")
    exporter.settle(at - 1)
    assert state(exporter, order) == "scheduled"
    exporter.settle(at)
    exporter.settle(at + 2)
    assert (state(exporter, order), usable(exporter, device)) == ("in_force", set())
    assert exporter.get(f"/v1/orders/{order['id']}")["in_force_at"] == at
    for wrong in (clock.now() - 60, clock.now() + 400 * 86_400):
        refused = ask_order(exporter, "suspend", scope=EVERYWHERE, effective_at=wrong)
        assert refusal(refused) == (422, "order.effective")


def test_what_waits_can_be_withdrawn_by_one_person(narrow: Exporter) -> None:
    device = narrow.device()
    narrow.device()
    waiting = narrow.order("revoke", scope=EVERYWHERE)
    planned = narrow.order("suspend", scope={"device": device.id}, effective_at=clock.now() + HOUR_S)
    for order in (waiting, planned):
        assert narrow.order("reinstate", undoes=order["id"])["state"] == "in_force"
        assert state(narrow, order) == "undone"
    narrow.settle(clock.now() + 3 * HOUR_S)
    assert refusal(confirm(narrow, waiting["id"])) == (409, "order.not_waiting")
    assert usable(narrow, device) == BOTH


def test_orders_that_cross_leave_what_the_stronger_says(narrow: Exporter) -> None:
    device, other = narrow.device(), narrow.device()
    suspension = narrow.order("suspend", scope=EVERYWHERE)
    revocation = narrow.order("revoke", scope={"device": device.id, "capability": CAPABILITY})
    limits = {"operators": {"distinct": 2}}
    confirm(narrow, suspension["id"])
    assert statuses(narrow, device) == {CAPABILITY: Status.INVALID, "av.record": Status.SUSPENDED}
    limited = narrow.order("limit", scope={"device": other.id}, limits=limits)
    # A first check-in tells what lists the device holds, the second brings what waited for them.
    for _ in range(2):
        narrow.check_in(other, status=narrow.lists(other))
    assert usable(narrow, other) == set()
    narrow.order("reinstate", undoes=revocation["id"])
    for _ in range(2):
        narrow.check_in(device, status=narrow.lists(device))
    assert usable(narrow, device) == set()
    confirm(narrow, narrow.order("reinstate", undoes=suspension["id"])["id"])
    assert usable(narrow, device) == usable(narrow, other) == BOTH
    assert other.entitlement is not None
    assert other.entitlement["grants"][CAPABILITY]["limits"] == limits
    confirm(narrow, narrow.order("reinstate", undoes=limited["id"])["id"])
    narrow.check_in(other)
    assert other.entitlement["grants"][CAPABILITY]["limits"] == {}


def test_a_confirmation_and_the_lapse_at_one_moment_leave_one_of_the_two(exporter: Exporter) -> None:
    device = exporter.device()
    for _ in range(4):
        order = exporter.order("suspend", scope=EVERYWHERE, emergency=True)
        with exporter.database.write() as session:
            at = clock.now() + 1
            session.execute(text('UPDATE "order" SET lapses_at = :at WHERE id = :id'), {"at": at, "id": order["id"]})
        with ThreadPoolExecutor(2) as pool:
            lapse = pool.submit(exporter.app.state.runner.run_once, at)
            answer = pool.submit(confirm, exporter, order["id"]).result()
            lapse.result()
        exporter.settle(at)
        exporter.settle(at + 2)
        stands = state(exporter, order) == "in_force"
        assert stands == (answer.status_code == 200), answer.text
        assert usable(exporter, device) == (set() if stands else BOTH)
        if stands:
            exporter.order("reinstate", undoes=order["id"])


def test_an_order_that_cannot_take_force_when_its_time_comes_is_void(exporter: Exporter) -> None:
    device = exporter.device(LONG)
    order = exporter.order("suspend", scope=EVERYWHERE, emergency=True)
    at = order["lapses_at"] + HOUR_S
    planned = exporter.order("reinstate", undoes=order["id"], effective_at=at)
    assert refusal(ask_order(exporter, "reinstate", undoes=order["id"])) == (409, "order.waiting")
    exporter.settle(order["lapses_at"])
    exporter.settle(at)
    assert (state(exporter, order), state(exporter, planned)) == ("undone", "void")
    assert usable(exporter, device) == BOTH
    assert [entry["type"] for entry in entries(exporter, subject=planned["id"])] == ["order.placed", "order.void"]


def test_who_plans_to_undo_what_nobody_confirmed_yet_does_not_undo_what_is_confirmed_meanwhile(
    narrow: Exporter,
) -> None:
    devices = [narrow.device(), narrow.device()]
    at = clock.now() + HOUR_S
    for members in ({"kind": "revoke"}, {"kind": "suspend", "emergency": True}):
        order = narrow.order(scope=EVERYWHERE, **members)
        planned = narrow.order("reinstate", undoes=order["id"], effective_at=at)
        assert (planned["state"], planned["devices"]) == ("scheduled", 0)
        assert confirm(narrow, order["id"]).status_code == 200
        narrow.settle(at)
        narrow.settle(at + 2)
        assert (state(narrow, order), state(narrow, planned)) == ("in_force", "void")
        assert [usable(narrow, device) for device in devices] == [set(), set()]


def test_what_two_people_planned_one_does_not_withdraw(narrow: Exporter) -> None:
    narrow.device(), narrow.device()
    planned = narrow.order("revoke", scope=EVERYWHERE, effective_at=clock.now() + HOUR_S)
    assert confirm(narrow, planned["id"]).json()["state"] == "scheduled"
    preview = narrow.post("/v1/orders/preview", {"kind": "reinstate", "undoes": planned["id"]})
    withdrawal = narrow.order("reinstate", undoes=planned["id"])
    assert (withdrawal["state"], withdrawal["devices"]) == ("waiting", 2)
    assert (preview["second_person"], preview["devices"], preview["countries"]) == (True, 2, {"FR": 2})
    assert state(narrow, planned) == "scheduled"
    assert confirm(narrow, withdrawal["id"]).json()["state"] == "in_force"
    assert state(narrow, planned) == "undone"


def test_a_plan_that_has_grown_beyond_one_persons_reach_waits_for_a_second_when_its_time_comes(
    narrow: Exporter,
) -> None:
    devices = [narrow.device(), narrow.device()]
    tag(narrow, devices[0], "harbour")
    at = clock.now() + HOUR_S
    order = narrow.order("revoke", scope={"tag": "harbour"}, effective_at=at)
    assert (order["state"], order["confirm_by"]) == ("scheduled", None)
    tag(narrow, devices[1], "harbour")
    narrow.settle(at)
    waiting = narrow.get(f"/v1/orders/{order['id']}")
    assert (waiting["state"], waiting["confirm_by"]) == ("waiting", at + narrow.settings.confirm_hours * HOUR_S)
    assert [usable(narrow, device) for device in devices] == [BOTH, BOTH]
    (told,) = entries(narrow, type="order.waiting")
    assert (told["subject"], told["data"]["devices"]) == (order["id"], 2)
    assert confirm(narrow, order["id"]).status_code == 200
    narrow.settle(at)
    narrow.settle(at + 2)
    assert state(narrow, order) == "in_force"
    assert [usable(narrow, device) for device in devices] == [set(), set()]


def test_orders_for_all_and_check_ins_that_issue_at_once_neither_block_nor_miss_each_other(exporter: Exporter) -> None:
    devices = [exporter.device() for _ in range(4)]

    def issue(device: SimulatedDevice) -> set[int]:
        path = f"/v1/devices/{device.id}"
        answers = {exporter.ask("POST", f"{path}/entitlements", json=PLAN).status_code for _ in range(3)}
        device.take(exporter.send(device, device.evidence(clock.now())))
        return answers

    def order(_: int) -> set[int]:
        placed = ask_order(exporter, "suspend", scope=EVERYWHERE | {"capability": CAPABILITY})
        undone = ask_order(exporter, "reinstate", undoes=placed.json().get("id", "none"))
        return {placed.status_code, undone.status_code}

    with ThreadPoolExecutor(6) as pool:
        issued = pool.map(issue, devices)
        ordered = pool.map(order, range(2))
        assert set().union(*issued) == {201}
        assert set().union(*ordered) <= {201, 404, 409}
    exporter.order("suspend", scope=EVERYWHERE | {"capability": CAPABILITY})
    for device in devices:
        exporter.check_in(device)
        assert usable(exporter, device) <= {"av.record"}
