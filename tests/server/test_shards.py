"""Shards: a spare one is ready before it is needed, one that nothing refers to is retired, no index serves twice."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from licensing_protocol.status_list import SHARD_ENTRIES
from licensing_server import clock
from licensing_server.status_lists.tables import Shard
from licensing_server.web import Role
from tests.server.exporter import PLAN, Exporter
from tests.simulators.device import SimulatedDevice

LEFT = 3
"""Room for one more entitlement of two grants, and not for two."""


def test_the_first_device_of_a_new_shard_finds_a_signed_list(exporter: Exporter) -> None:
    exporter.device()
    _fill(exporter)
    exporter.settle()
    assert exporter.ask("GET", "/v1/status/2", None).status_code == 200
    shards = [_shard(_enrolled(exporter)) for _ in range(3)]
    assert shards == ["/v1/status/1", "/v1/status/2", "/v1/status/2"]
    exporter.settle()
    assert exporter.ask("GET", "/v1/status/3", None).json()["code"] == "status_list.unknown"


def test_a_shard_opens_also_where_nobody_kept_a_spare(exporter: Exporter) -> None:
    _fill(exporter)
    assert [_shard(_enrolled(exporter)) for _ in range(3)] == ["/v1/status/1", "/v1/status/2", "/v1/status/2"]


def test_no_index_serves_twice(exporter: Exporter) -> None:
    devices = [_enrolled(exporter) for _ in range(2)]
    _fill(exporter)
    devices += [_enrolled(exporter) for _ in range(3)]
    given = [
        (grant["status"]["uri"], grant["status"]["idx"])
        for device in devices
        for grant in (device.entitlement or {})["grants"].values()
    ]
    assert len(set(given)) == len(given) == 10
    assert all(index < SHARD_ENTRIES for _, index in given)


def test_a_shard_is_retired_when_all_its_entitlements_have_ended_and_its_last_list_too(exporter: Exporter) -> None:
    device = exporter.device()
    _fill(exporter)
    exporter.settle()
    assert device.entitlement is not None
    end = device.entitlement["exp"] + exporter.settings.status_lifetime
    exporter.settle(now=end)
    assert exporter.ask("GET", "/v1/status/1", None).status_code == 200
    exporter.settle(now=end + 1)
    exporter.settle(now=end + 3)
    gone = exporter.ask("GET", "/v1/status/1", None)
    assert (gone.status_code, gone.json()["code"]) == (404, "status_list.retired")
    assert exporter.ask("GET", "/v1/status/2", None).status_code == 200
    with exporter.database.read() as session:
        row = session.execute(select(Shard.bits, Shard.text, Shard.next_index).where(Shard.id == 1)).one()
    assert tuple(row) == (b"", "", SHARD_ENTRIES)
    (entry,) = exporter.get("/v1/log/entries?type=shard.retired", Role.AUDITOR)["items"]
    assert entry["subject"] == "shard_1"


def test_a_renewal_keeps_a_shard(exporter: Exporter) -> None:
    device = exporter.device()
    first = device.entitlement or {}
    later = PLAN | {"valid_for": PLAN["valid_for"] * 2}  # type: ignore[operator]  # seconds
    exporter.post(f"/v1/devices/{device.id}/entitlements", later)
    _fill(exporter)
    exporter.settle(now=first["exp"] + exporter.settings.status_lifetime + 1)
    assert exporter.ask("GET", "/v1/status/1", None).status_code == 200


def _fill(exporter: Exporter) -> None:
    with exporter.database.write() as session:
        session.execute(update(Shard).where(Shard.id == 1).values(next_index=SHARD_ENTRIES - LEFT))


def _enrolled(exporter: Exporter) -> SimulatedDevice:
    """Enrol a device, and let no background work follow."""
    device = SimulatedDevice(exporter.manifest)
    device.take(exporter.post("/v1/enrollments", device.enrollment(exporter.token(), clock.now()), None))
    return device


def _shard(device: SimulatedDevice) -> Any:
    grants = (device.entitlement or {})["grants"]
    (uri,) = {grant["status"]["uri"] for grant in grants.values()}
    return uri.removeprefix("https://exporter.example")
