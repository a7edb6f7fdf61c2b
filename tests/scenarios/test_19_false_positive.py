"""Row 19: the alarm was false. Safety functions stay on, the operator reads where to appeal, and all can be undone."""

from __future__ import annotations

from tests.scenarios.device import Device
from tests.scenarios.field import Field
from tests.scenarios.office import APPEAL, RECORD, TAMPER_ALARM, VERIFY
from tests.scenarios.waiting import until


def test_a_suspension_by_mistake(field: Field) -> None:
    device = field.device({RECORD: {}, VERIFY: {}})
    scope = {"device": device.id, "capability": RECORD}
    order = field.office.order("suspend", "A camera of this make was seen at a rally.", scope=scope)
    _wait_for(device, "status.suspended")
    assert device.use(VERIFY)["granted"]
    assert device.use(TAMPER_ALARM)["granted"]
    device.reboot()
    assert device.use(TAMPER_ALARM)["granted"]
    (notice,) = device.status()["notices"]
    assert "A camera of this make was seen at a rally" in notice
    assert order["id"] in notice
    assert APPEAL in notice

    field.office.order("reinstate", "It was another camera.", undoes=order["id"], reason_code="mistake")
    _wait_for(device, "granted")
    assert device.use(RECORD)["granted"]
    assert device.status()["notices"] == []


def test_a_quarantine_of_somebody_who_only_repaired_a_disk(field: Field) -> None:
    device = field.device({RECORD: {}})
    device.shut_down()
    backup = device.snapshot()
    device.power_on()
    assert device.sync()["reached"]
    device.shut_down()
    device.restore(backup)
    device.power_on()
    assert device.sync()["refused"] == ["evidence.fork"]
    _wait_for(device, "status.suspended")
    assert device.use(TAMPER_ALARM)["granted"]
    (notice,) = device.status()["notices"]
    assert APPEAL in notice

    (quarantine,) = field.office.orders(device.id)
    assert quarantine["lapses_at"] > quarantine["placed_at"]
    field.office.order("reinstate", "They restored a backup.", undoes=quarantine["id"], reason_code="mistake")
    _wait_for(device, "granted")
    # It goes on from the refusal, and is no fork any more.
    assert device.sync()["refused"] == []
    assert len(field.office.get(f"/v1/devices/{device.id}/forks")["items"]) == 1


def _wait_for(device: Device, code: str) -> None:
    until(lambda: device.sync() and device.code(RECORD), lambda found: found == code)
