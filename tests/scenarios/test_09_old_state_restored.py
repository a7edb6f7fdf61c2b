"""Row 9: an old state or a snapshot is restored. Two reports continue one receipt, and no quota is refilled."""

from __future__ import annotations

from licensing_protocol.canonical import JsonObject
from tests.scenarios.device import Device, Snapshot
from tests.scenarios.field import Field, plan
from tests.scenarios.office import RECORD, TAMPER_ALARM, VERIFY
from tests.scenarios.waiting import until

_USES = 3
_HOUR_S = 3600


def _grants(*, per_boot: bool) -> dict[str, JsonObject]:
    freshness = {"max_offline": _HOUR_S, "max_silent": _HOUR_S, "per_boot": per_boot}
    return {RECORD: {"limits": {"quota": {"uses": _USES}}, "freshness": freshness}, VERIFY: {}}


def test_a_restored_store_is_a_fork_and_its_quota_buys_nothing(field: Field) -> None:
    device = field.device(_grants(per_boot=True))
    old = _spend_all_after_a_copy(device)

    device.reboot()
    assert device.code(RECORD) == "contact.this_boot"
    device.power_off()
    device.restore(old)
    device.power_on()
    # In the restored store most of the quota is there again; what is not known to be of this start is not granted.
    assert device.use(RECORD)["code"] == "contact.this_boot"
    _is_found_out(field, device)

    # Not even a new approval gives the uses back while the quarantine stands.
    field.office.issue(device.id, plan(_grants(per_boot=True)))
    until(device.sync, lambda report: bool(report["entitlement"]))
    assert device.use(RECORD)["code"] == "status.suspended"


def test_a_virtual_machine_that_is_set_back_is_found_out_when_it_reports(field: Field) -> None:
    device = field.device(_grants(per_boot=False))
    old = _spend_all_after_a_copy(device)
    device.pass_time(_HOUR_S / 2)
    device.shut_down()
    # Store, clocks and boot id are all as they were then.
    device.restore(old, clocks=True)
    device.power_on()
    # Until it reports, no software can tell: the snapshot's own uses, and no more than those.
    assert len(_spent(device)) < _USES
    _is_found_out(field, device)


def _spend_all_after_a_copy(device: Device) -> Snapshot:
    """Spend a part of the quota, copy the store, and spend and report the rest; return the copy."""
    assert device.use(RECORD)["granted"]
    assert device.sync()["reached"]
    device.shut_down()
    old = device.snapshot()
    device.power_on()
    _spent(device)
    assert device.sync()["reached"]
    return old


def _spent(device: Device) -> list[JsonObject]:
    """Use the quota up, and return the uses."""
    uses = []
    while (answer := device.use(RECORD))["granted"]:
        uses.append(answer)
        assert len(uses) <= _USES
    assert answer["code"] == "quota.exhausted"
    return uses


def _is_found_out(field: Field, device: Device) -> None:
    assert device.sync()["refused"] == ["evidence.fork"]
    until(lambda: device.sync() and device.code(VERIFY), lambda code: code == "status.suspended")
    assert device.use(RECORD)["code"] == "status.suspended"
    assert device.use(TAMPER_ALARM)["granted"]
    (proof,) = field.office.get(f"/v1/devices/{device.id}/forks")["items"]
    assert proof["first"] != proof["identity"]
    (order,) = field.office.orders(device.id)
    assert (order["kind"], order["reason_code"], order["undone_by"]) == ("quarantine", "continuity", None)
    field.office.wait_for_case(device.id, "continuity.fork")
