"""Ordering for a whole fleet by commands alone: previews, a second person, how far it has come, appeals."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx2
import pytest

from licensing_protocol.canonical import decode_object
from licensing_protocol.status_list import Status, StatusList
from tests.cli.command_line import PROGRAM, Serving, Staff, environment
from tests.cli.exporter import CAPABILITY, Company
from tests.cli.test_story import eventually
from tests.simulators.device import SimulatedDevice, payload

REASON = ("--reason-code", "misuse_reported", "--reason", "Reported by two journalists.")


@dataclass(frozen=True)
class Office:
    """A server where one person's order reaches one device; who orders, who approves, and two devices."""

    server: Serving
    cleo: Staff
    pat: Staff
    company: Company
    devices: tuple[SimulatedDevice, SimulatedDevice]


@pytest.fixture
def office(fresh: Path, tmp_path: Path) -> Iterator[Office]:
    with Serving(fresh, members={"INTERLOCK_ORDER_DEVICES": "1"}) as server:
        ada = Staff(server.address, fresh / "admin.token")
        company = Company.found(ada, tmp_path)
        cleo, pat = (_hire(ada, role, tmp_path) for role in ("compliance", "approver"))
        yield Office(server, cleo, pat, company, (company.device(), company.device()))


def test_an_order_for_the_fleet_is_previewed_confirmed_followed_and_appealed(office: Office) -> None:
    cleo, pat = office.cleo, office.pat
    aim = ("--country", "FR", "--capability", CAPABILITY)
    told = cleo.run("orders", "preview", *aim)
    assert "It reaches 2 devices (FR 2) and 2 grants." in told.out
    assert "safety.tamper_alarm. A second person must confirm it." in told.out
    placed = cleo.run("suspend", *aim, *REASON)
    assert "waits for a second person: interlock orders confirm order_" in placed.out
    (order,) = cleo.ask("orders", "list", "--state", "waiting")["items"]
    assert cleo.run("orders", "confirm", order["id"], "--json").failure["code"] == "role.missing"
    assert pat.ask("orders", "confirm", order["id"])["state"] == "in_force"

    with _following(cleo, order["id"]) as following:
        for device in office.devices:
            status = eventually(partial(_lists, office, device))
            office.company.check_in(device, status=status)
        lines = [decode_object(line) for line in following.communicate(timeout=60)[0].splitlines()]
    assert (lines[-1]["targeted"], lines[-1]["confirmed"]) == (2, 2)
    assert cleo.ask("orders", "follow", order["id"], "--once")["confirmed"] == 2
    assert cleo.ask("orders", "targets", order["id"], "--unconfirmed")["items"] == []
    assert len(cleo.ask("orders", "targets", order["id"], "--confirmed")["items"]) == 2

    text = ("--text", "Our camera guards a bird sanctuary.")
    appeal = cleo.ask("orders", "appeal", order["id"], "--device", office.devices[0].id, *text)
    answer = ("--outcome", "upheld", "--text", "It was another camera.")
    assert pat.ask("orders", "answer", order["id"], appeal["id"], *answer)["answered_by"]
    assert [found["outcome"] for found in cleo.ask("orders", "appeals", order["id"])["items"]] == ["upheld"]


def test_limits_are_laid_and_taken_off(office: Office, tmp_path: Path) -> None:
    terms = tmp_path / "two.json"
    terms.write_text('{"limits": {"operators": {"distinct": 2}}}')
    device = office.devices[0]
    order = office.cleo.ask("limit", "--device", device.id, "--limits", terms, *REASON)
    assert order["terms"]["limits"] == {"operators": {"distinct": 2}}
    office.company.check_in(device)
    assert device.entitlement is not None
    assert device.entitlement["grants"][CAPABILITY]["limits"] == {"operators": {"distinct": 2}}
    assert office.cleo.ask("reinstate", order["id"], *REASON)["state"] == "in_force"


def test_emergencies_and_later_orders_say_what_they_are(office: Office) -> None:
    told = office.cleo.run("suspend", "--everywhere", "--emergency", *REASON)
    assert "In force now; it lapses unless a second person confirms it" in told.out
    at = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    later = office.cleo.run("suspend", "--device", office.devices[0].id, "--at", at, *REASON)
    assert "It takes force at its time." in later.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "scope.absent"),
        (("--capability", CAPABILITY), "scope.absent"),
        (("--everywhere", "--country", "FR"), "scope.absent"),
        (("--device", "AQ", "--at", "tomorrow"), "instant.malformed"),
        (("--device", "AQ", "--at", "2026-12-01T08:00:00"), "instant.zone"),
    ],
)
def test_a_scope_or_time_that_is_unclear_is_not_sent(ada: Staff, words: tuple[str, ...], code: str) -> None:
    answer = ada.run("suspend", *words, *REASON, "--json")
    assert (answer.code, answer.failure["code"]) == (2, code)


def test_what_the_server_refuses_comes_as_it_does_elsewhere(ada: Staff, company: Company) -> None:
    assert company.end_user
    answer = ada.run("suspend", "--country", "PT", *REASON, "--json")
    assert (answer.code, answer.failure["code"]) == (1, "order.matches_nothing")
    answer = ada.run("orders", "follow", "order_none", "--json")
    assert (answer.code, answer.failure["code"]) == (1, "order.unknown")


def test_a_server_that_ends_lets_go_of_who_follows(office: Office) -> None:
    order = office.cleo.ask("suspend", "--device", office.devices[0].id, *REASON)
    with _following(office.cleo, order["id"]) as following:
        assert following.stdout is not None
        assert decode_object(following.stdout.readline())["confirmed"] == 0
        assert office.server.stop() == 0
        _, failed = following.communicate(timeout=60)
    assert following.returncode == 3
    assert decode_object(failed)["code"] == "server.unreachable"


@contextmanager
def _following(staff: Staff, order: str) -> Iterator[subprocess.Popen[bytes]]:
    """Follow an order in a process of its own, which nothing but the server ends, and which outlives no test."""
    line = [*PROGRAM, "orders", "follow", order, "--json"]
    line += ["--server", staff.server, "--token-file", str(staff.token_file)]
    with subprocess.Popen(line, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as following:
        try:
            yield following
        finally:
            following.kill()


def _lists(office: Office, device: SimulatedDevice) -> dict[str, int] | None:
    """Return the lists that a device would report, once they suspend the capability; when they were signed tells
    nothing, for a list signed between placing an order and confirming it is as young and does not carry it."""
    assert device.entitlement is not None
    status = device.entitlement["grants"][CAPABILITY]["status"]
    path = status["uri"].partition("/v1/")[2]
    found = StatusList.parse(payload(httpx2.get(f"{office.server.address}/v1/{path}", trust_env=False).text))
    return {status["uri"]: found.sequence} if found.status(status["idx"]) is Status.SUSPENDED else None


def _hire(ada: Staff, role: str, folder: Path) -> Staff:
    person = ada.ask("people", "add", f"Only {role}", "--role", role)["id"]
    token = folder / f"{role}.token"
    ada.ask("people", "token", person, "--out", token)
    return Staff(ada.server, token)
