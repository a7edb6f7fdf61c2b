"""Orders in any order never leave something usable that an order in force forbids, nor hold back what none does."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from licensing_server.config import Settings
from licensing_server.web import Role
from tests.server.conftest import AT_HAND
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.server.fleet import BOTH, ask_order, device_of, party, tag, usable
from tests.simulators.device import SimulatedDevice

DEVICES = 3
REACH = 4
"""How many devices one person's orders of a kind reach in a day."""
PLACES = [
    {"everywhere": True},
    {"country": "FR"},
    {"country": "KE"},
    {"tag": "harbour"},
    {"product": "camera", "tag": "harbour"},
]
GRANTS: list[dict[str, str]] = [{}, {"capability": CAPABILITY}, {"capability": "av.record"}]


@dataclass
class Placed:
    """An order of the model: whom it reaches by now, and what of them."""

    id: str
    kind: str
    scope: dict[str, Any]
    state: str
    reached: set[int]

    @property
    def capabilities(self) -> set[str]:
        """What it is about."""
        return {self.scope["capability"]} if "capability" in self.scope else set(BOTH)


class Orders(RuleBasedStateMachine):
    """A server whose people order, confirm and undo; devices that check in, and are tagged."""

    orders: Bundle[Placed] = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        kept = Settings(data_dir=Path(self.folder.name) / "data", order_devices=REACH, **AT_HAND)
        self.exporter = Exporter.begin(kept)
        self.placed: list[Placed] = []
        self.alone: Counter[str] = Counter()
        self.tags: dict[int, set[str]] = {number: set() for number in range(DEVICES)}
        self.devices: list[SimulatedDevice] = []

    @initialize()
    def enrol(self) -> None:
        kenya = party(self.exporter, "KE")
        self.devices = [self.exporter.device(), self.exporter.device(), device_of(self.exporter, kenya)]

    def teardown(self) -> None:
        self.exporter.end()
        self.folder.cleanup()

    @rule(
        target=orders,
        kind=st.sampled_from(["suspend", "revoke", "limit"]),
        place=st.sampled_from([*PLACES, *({"number": number} for number in range(DEVICES))]),
        grants=st.sampled_from(GRANTS),
        emergency=st.booleans(),
    )
    def place(self, kind: str, place: dict[str, Any], grants: dict[str, str], emergency: bool) -> Placed:
        scope = ({"device": self.devices[place["number"]].id} if "number" in place else place) | grants
        members: dict[str, Any] = {"limits": {"operators": {"distinct": 2}}} if kind == "limit" else {}
        if kind == "suspend" and emergency:
            members["emergency"] = True
        answer = ask_order(self.exporter, kind, scope=scope, **members)
        reached = {number for number in range(DEVICES) if self._matches(number, place)}
        order = Placed("", kind, scope | {"place": place}, "refused", set())
        if answer.status_code == 201:
            order.id, order.state = answer.json()["id"], answer.json()["state"]
            emergency = bool(members.get("emergency"))
            second = not emergency and self.alone[kind] + len(reached) > REACH
            assert order.state == ("waiting" if second else "in_force")
            order.reached = reached if order.state == "in_force" else set()
            self.alone[kind] += 0 if emergency else len(order.reached)
            self.placed.append(order)
        else:
            same = [held for held in self.placed if held.kind == kind and held.scope == order.scope]
            assert not reached or any(held.state in {"in_force", "waiting"} for held in same), answer.text
        return order

    @rule(order=orders)
    def confirm(self, order: Placed) -> None:
        answer = self.exporter.ask("POST", f"/v1/orders/{order.id or 'none'}/confirmation", Role.APPROVER)
        assert order.state != "waiting" or answer.status_code == 200, answer.text
        if order.state == "waiting":
            order.state = "in_force"
            order.reached = {number for number in range(DEVICES) if self._matches(number, order.scope["place"])}

    @rule(order=consumes(orders))
    def undo(self, order: Placed) -> None:
        answer = ask_order(self.exporter, "reinstate", undoes=order.id or "none")
        if order.state in {"refused", "undone"}:
            assert answer.status_code in {404, 409}
            return
        assert answer.status_code == 201, answer.text
        if answer.json()["state"] == "waiting":
            confirmed = self.exporter.ask("POST", f"/v1/orders/{answer.json()['id']}/confirmation", Role.APPROVER)
            assert confirmed.status_code == 200, confirmed.text
        order.state = "undone"

    @rule(number=st.integers(0, DEVICES - 1), tags=st.sampled_from([[], ["harbour"]]))
    def tag(self, number: int, tags: list[str]) -> None:
        tag(self.exporter, self.devices[number], *tags)
        self.tags[number] = set(tags)

    @rule(number=st.integers(0, DEVICES - 1))
    def issue(self, number: int) -> None:
        device = self.devices[number]
        self.exporter.post(f"/v1/devices/{device.id}/entitlements", PLAN)
        for order in self.placed:
            if order.state == "in_force" and self._matches(number, order.scope["place"]):
                order.reached.add(number)

    @invariant()
    def nothing_forbidden_is_usable(self) -> None:
        if not self.devices:
            return
        self.exporter.settle()
        for number, device in enumerate(self.devices):
            assert not usable(self.exporter, device) & self._forbidden(number)

    @rule(number=st.integers(0, DEVICES - 1))
    def check_in(self, number: int) -> None:
        """Afterwards a device holds just what no order forbids, with the limits that orders lay on it."""
        device = self.devices[number]
        self.exporter.settle()
        for _ in range(3):
            self.exporter.check_in(device, status=self.exporter.lists(device))
        # A new version may have come with it, and with that whatever the device has come under since.
        for order in self.placed:
            found = self.exporter.all(f"/v1/orders/{order.id}/targets") if order.state == "in_force" else []
            if device.id in {target["device"] for target in found}:
                order.reached.add(number)
        assert usable(self.exporter, device) == BOTH - self._forbidden(number)

    def _forbidden(self, number: int) -> set[str]:
        holding = [order for order in self.placed if order.state == "in_force" and order.kind != "limit"]
        return set().union(*(order.capabilities for order in holding if number in order.reached))

    def _matches(self, number: int, place: dict[str, Any]) -> bool:
        if "number" in place:
            return bool(place["number"] == number)
        country = "KE" if number == DEVICES - 1 else "FR"
        return place.get("country", country) == country and ("tag" not in place or place["tag"] in self.tags[number])


Orders.TestCase.settings = settings(
    max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOrders = Orders.TestCase
