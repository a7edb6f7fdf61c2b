"""Row 18: an update adds a capability. The same entitlement rules: what was not granted is not there."""

from __future__ import annotations

from tests.scenarios.field import Field, plan
from tests.scenarios.office import TAMPER_ALARM, VERIFY
from tests.scenarios.waiting import until

_ADDED = "face.crowd_scan"


def test_what_an_update_adds_is_stripped_until_it_is_granted(field: Field) -> None:
    device = field.device({VERIFY: {}})
    assert device.code(_ADDED) == "capability.unknown"
    device.shut_down()
    updated = field.office.manifest_of("3.0", _ADDED)
    device.install(updated)
    device.power_on()
    # The entitlement was issued for another release, and nobody has registered this one.
    for _ in range(2):
        assert device.use(_ADDED)["code"] == "entitlement.release"
        assert device.use(VERIFY)["code"] == "entitlement.release"
        assert device.use(TAMPER_ALARM)["granted"]
        assert device.sync()["entitlement"] is False
    assert "manifest is not registered" in field.office.wait_for_case(device.id, "continuity.anomaly")["text"]

    field.office.register(updated)
    until(lambda: device.sync() and device.code(VERIFY), lambda code: code == "granted")
    assert device.use(_ADDED)["code"] == "capability.stripped"

    field.office.issue(device.id, plan({VERIFY: {}, _ADDED: {}}))
    assert device.sync()["entitlement"] is True
    assert device.use(_ADDED)["code"] == "granted"
