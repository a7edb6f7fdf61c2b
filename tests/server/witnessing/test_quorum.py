"""Acts that wait until the witnesses of the log have seen them: what waits, what never does, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.web import Role
from licensing_server.witness import Reply
from tests.server.conftest import AT_HAND
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.server.witnessing.conftest import Both, ask_all, begin
from tests.simulators.device import SimulatedDevice

WAIT_S = 50_000
REASON = {"reason_code": "misuse_reported", "reason_text": "Reported by two journalists."}


@pytest.fixture
def waiting(database_url: str, tmp_path: Path, policy: Path, witnesses: Both) -> Iterator[Exporter]:
    """A server on which everything that can wait for the quorum does."""
    waits: dict[str, Any] = {"quorum_orders": True, "quorum_issuances": True, "quorum_wait": WAIT_S}
    settings = Settings(data_dir=tmp_path / "data", database_url=database_url, log_policy=policy, **waits | AT_HAND)
    exporter = begin(settings, witnesses)
    yield exporter
    exporter.end()


def see(exporter: Exporter) -> None:
    """Let the witnesses see what happened, and what waited for that go on."""
    ask_all(exporter)
    exporter.settle(clock.now() + exporter.ahead)


def new_device(exporter: Exporter) -> SimulatedDevice:
    """Enrol a device, and give it what it waits for."""
    device = SimulatedDevice(exporter.manifest)
    device.take(exporter.post("/v1/enrollments", device.enrollment(exporter.token(), clock.now()), None))
    exporter.settle()
    ask_all(exporter)
    exporter.check_in(device)
    assert device.entitlement is not None
    return device


def order(exporter: Exporter, kind: str, **members: Any) -> Any:
    placed = exporter.post("/v1/orders", {"kind": kind} | REASON | members)
    exporter.settle(clock.now())
    return exporter.get(f"/v1/orders/{placed['id']}")


def state_of(exporter: Exporter, placed: Any) -> Any:
    return exporter.get(f"/v1/orders/{placed['id']}")["state"]


class TestIssuances:
    def test_a_new_device_gets_its_entitlement_once_it_was_seen(self, waiting: Exporter) -> None:
        device = SimulatedDevice(waiting.manifest)
        request = device.enrollment(waiting.token(), clock.now())
        answer = waiting.post("/v1/enrollments", request, None)
        assert "entitlement" not in answer
        device.take(answer)
        waiting.settle()
        assert "entitlement" not in waiting.check_in(device)
        ask_all(waiting)
        assert "entitlement" in waiting.post("/v1/enrollments", request, None)
        assert "entitlement" in waiting.check_in(device)

    def test_a_new_version_comes_once_it_was_seen_and_the_old_one_is_kept_till_then(self, waiting: Exporter) -> None:
        device = new_device(waiting)
        waiting.post(f"/v1/devices/{device.id}/entitlements", PLAN)
        waiting.settle()
        assert "entitlement" not in waiting.check_in(device)
        ask_all(waiting)
        assert "entitlement" in waiting.check_in(device)

    def test_absent_witnesses_hold_it_back_for_so_long_and_no_longer(self, waiting: Exporter, witnesses: Both) -> None:
        device = new_device(waiting)
        witnesses[0].answer = lambda _: Reply(503, "")
        waiting.post(f"/v1/devices/{device.id}/entitlements", PLAN)
        ask_all(waiting)
        assert "entitlement" not in waiting.check_in(device)
        waiting.app.state.counter.settings.quorum_wait = 1
        wait_until_a_second_has_passed()
        assert "entitlement" in waiting.check_in(device)

    def test_where_nothing_is_set_nothing_waits(self, sqlite_exporter: Exporter) -> None:
        assert sqlite_exporter.device().entitlement is not None


class TestOrders:
    @pytest.mark.parametrize("kind", ["revoke", "limit"])
    def test_what_cannot_be_given_back_waits_until_it_was_seen(self, waiting: Exporter, kind: str) -> None:
        device = new_device(waiting)
        terms = {"limits": {"operators": {"distinct": 1}}} if kind == "limit" else {}
        placed = order(waiting, kind, scope={"device": device.id, "capability": CAPABILITY}, **terms)
        assert (placed["state"], placed["in_force_at"]) == ("scheduled", None)
        assert placed["witness_until"] == placed["placed_at"] + WAIT_S
        see(waiting)
        assert state_of(waiting, placed) == "in_force"
        told = waiting.all(f"/v1/log/entries?subject={placed['id']}", Role.AUDITOR)
        assert [entry["type"] for entry in told] == ["order.placed", "order.in_force"]

    def test_a_suspension_never_waits_and_its_end_does(self, waiting: Exporter, witnesses: Both) -> None:
        device = new_device(waiting)
        for found in witnesses:
            found.answer = lambda _: Reply(503, "")
        placed = order(waiting, "suspend", scope={"device": device.id, "capability": CAPABILITY})
        assert placed["state"] == "in_force"
        lifted = order(waiting, "reinstate", undoes=placed["id"])
        assert lifted["state"] == "scheduled"
        for found in witnesses:
            found.answer = None
        see(waiting)
        assert (state_of(waiting, lifted), state_of(waiting, placed)) == ("in_force", "undone")

    def test_absent_witnesses_hold_an_order_back_for_so_long_and_the_log_says_so(
        self, waiting: Exporter, witnesses: Both
    ) -> None:
        device = new_device(waiting)
        witnesses[1].answer = lambda _: Reply(500, "")
        placed = order(waiting, "revoke", scope={"device": device.id})
        ask_all(waiting)
        waiting.settle(placed["witness_until"] - 1)
        assert state_of(waiting, placed) == "scheduled"
        waiting.settle(placed["witness_until"])
        assert state_of(waiting, placed) == "in_force"
        told = waiting.all(f"/v1/log/entries?subject={placed['id']}", Role.AUDITOR)
        assert [entry["type"] for entry in told] == ["order.placed", "order.unwitnessed", "order.in_force"]

    def test_one_of_two_witnesses_is_no_quorum(self, waiting: Exporter, witnesses: Both) -> None:
        device = new_device(waiting)
        witnesses[1].answer = lambda _: Reply(500, "")
        placed = order(waiting, "revoke", scope={"device": device.id})
        see(waiting)
        assert state_of(waiting, placed) == "scheduled"
        witnesses[1].answer = None
        see(waiting)
        assert state_of(waiting, placed) == "in_force"

    def test_what_a_second_person_confirms_waits_from_then_on(self, waiting: Exporter) -> None:
        waiting.settings.order_devices = 0
        device = new_device(waiting)
        placed = order(waiting, "revoke", scope={"device": device.id})
        assert placed["state"] == "waiting"
        see(waiting)
        confirmed = waiting.post(f"/v1/orders/{placed['id']}/confirmation", None, Role.APPROVER)
        assert (confirmed["state"], confirmed["in_force_at"]) == ("scheduled", None)
        waiting.settle(clock.now())
        assert state_of(waiting, placed) == "scheduled"
        see(waiting)
        assert state_of(waiting, placed) == "in_force"

    def test_an_order_for_later_waits_no_less(self, waiting: Exporter, witnesses: Both) -> None:
        device = new_device(waiting)
        at = clock.now() + 3600
        seen = order(waiting, "revoke", scope={"device": device.id, "capability": CAPABILITY}, effective_at=at)
        see(waiting)
        assert state_of(waiting, seen) == "scheduled"
        witnesses[1].answer = lambda _: Reply(500, "")
        unseen = order(waiting, "revoke", scope={"device": device.id, "capability": "av.record"}, effective_at=at)
        assert unseen["witness_until"] == at + WAIT_S
        for _ in range(2):
            waiting.settle(at)
        assert (state_of(waiting, seen), state_of(waiting, unseen)) == ("in_force", "scheduled")
        waiting.settle(at + WAIT_S)
        assert state_of(waiting, unseen) == "in_force"
        told = waiting.all(f"/v1/log/entries?subject={unseen['id']}", Role.AUDITOR)
        assert [entry["type"] for entry in told] == ["order.placed", "order.unwitnessed", "order.in_force"]

    def test_an_order_that_waits_can_be_undone(self, waiting: Exporter) -> None:
        device = new_device(waiting)
        placed = order(waiting, "revoke", scope={"device": device.id})
        assert order(waiting, "reinstate", undoes=placed["id"])["state"] == "in_force"
        see(waiting)
        assert state_of(waiting, placed) == "undone"


def wait_until_a_second_has_passed() -> None:
    """Wait for the clock, which the server reads itself."""
    end = clock.now() + 2
    while clock.now() < end:
        pass
