"""A few devices in several hands, orders over them, and what their status says."""

from __future__ import annotations

from typing import Any

from httpx2 import Response

from licensing_protocol.status_list import Status, StatusList
from licensing_server.web import Role
from tests.server.acts import REASON
from tests.server.exporter import CAPABILITY, PLAN, Exporter
from tests.simulators.device import SimulatedDevice

BOTH = {CAPABILITY, "av.record"}


def party(exporter: Exporter, country: str) -> str:
    """Add an end-user in a country."""
    made: str = exporter.post("/v1/parties", {"name": f"Office in {country}", "country": country})["id"]
    return made


def device_of(exporter: Exporter, end_user: str, plan: dict[str, Any] | None = None) -> SimulatedDevice:
    """Enrol a device of an end-user."""
    before, exporter.end_user = exporter.end_user, end_user
    device = exporter.device(plan or PLAN)
    exporter.end_user = before
    return device


def tag(exporter: Exporter, device: SimulatedDevice, *tags: str) -> None:
    """Give a device exactly these tags."""
    version = exporter.get(f"/v1/devices/{device.id}")["version"]
    path, headers = f"/v1/devices/{device.id}/tags", {"If-Match": f'"{version}"'}
    assert exporter.ask("PUT", path, json={"tags": list(tags)}, headers=headers).status_code == 200


def ask_order(exporter: Exporter, kind: str, **members: Any) -> Response:
    """Ask for an order, whatever comes of it."""
    return exporter.ask("POST", "/v1/orders", json={"kind": kind} | REASON | members)


def refusal(response: Response) -> tuple[int, str]:
    """Return status and code of a refusal."""
    return response.status_code, response.json()["code"]


def confirm(exporter: Exporter, order: str, role: Role = Role.APPROVER) -> Response:
    """Confirm an order, and let the lists follow."""
    answer = exporter.ask("POST", f"/v1/orders/{order}/confirmation", role)
    exporter.settle()
    return answer


def state(exporter: Exporter, order: dict[str, Any]) -> str:
    """Return what became of an order."""
    found: str = exporter.get(f"/v1/orders/{order['id']}")["state"]
    return found


def statuses(exporter: Exporter, device: SimulatedDevice) -> dict[str, Status]:
    """Return what the newest lists say of each grant that a device holds."""
    assert device.entitlement is not None
    grants = device.entitlement["grants"]
    lists = {uri: StatusList.parse(exporter.status_list(uri)) for uri in exporter.lists(device)}
    return {name: lists[grant["status"]["uri"]].status(grant["status"]["idx"]) for name, grant in grants.items()}


def usable(exporter: Exporter, device: SimulatedDevice) -> set[str]:
    """Return the capabilities that a device holds and no list denies."""
    return {name for name, status in statuses(exporter, device).items() if status is Status.VALID}


def entries(exporter: Exporter, **query: str) -> list[dict[str, Any]]:
    """Return log entries."""
    exporter.settle()
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return exporter.all(f"/v1/log/entries?{asked}", Role.AUDITOR)
