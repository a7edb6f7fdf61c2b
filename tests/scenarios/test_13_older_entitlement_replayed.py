"""Row 13: an older, broader entitlement is played again. It is refused, and the refusal is reported."""

from __future__ import annotations

from tests.scenarios.device import Device
from tests.scenarios.field import Field, plan
from tests.scenarios.office import IDENTIFY, VERIFY


def test_a_file_with_the_older_entitlement_is_refused(field: Field) -> None:
    device, old = _narrowed(field)
    (problem,) = device.take({"entitlement": old})["problems"]
    assert problem["code"] == "continuity.rolled_back"
    assert device.use(IDENTIFY)["code"] == "capability.stripped"
    device.reboot()
    assert device.use(IDENTIFY)["code"] == "capability.stripped"
    device.sync()
    _is_reported(field, device)


def test_an_answer_on_the_line_with_the_older_entitlement_is_refused(field: Field) -> None:
    device, old = _narrowed(field)
    device.line("replay", old)
    report = device.sync()
    assert (report["receipts"], report["entitlement"]) == (1, False)
    assert [problem["code"] for problem in report["problems"]] == ["continuity.rolled_back"]
    assert device.use(IDENTIFY)["code"] == "capability.stripped"
    device.line("whole")
    device.sync()
    _is_reported(field, device)


def _narrowed(field: Field) -> tuple[Device, str]:
    """Return a device from which a capability was taken by a new issue, and the entitlement that it had before."""
    device = field.device({VERIFY: {}, IDENTIFY: {}})
    assert device.code(IDENTIFY) == "granted"
    (before,) = field.office.get(f"/v1/devices/{device.id}/entitlements")["items"]
    field.office.issue(device.id, plan({VERIFY: {}}))
    assert device.sync()["entitlement"] is True
    assert device.code(IDENTIFY) == "capability.stripped"
    return device, str(before["text"])


def _is_reported(field: Field, device: Device) -> None:
    events = field.office.events(device.id, "entitlement.refused")
    assert {event["code"] for event in events} == {"continuity.rolled_back"}
    assert all(event["identity"] for event in events)
    assert device.code(VERIFY) == "granted"
    field.office.wait_for_case(device.id, "entitlement.replayed")
