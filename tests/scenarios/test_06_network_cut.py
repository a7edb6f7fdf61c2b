"""Row 6: the network is cut to dodge a revocation, or only lists or only reports are let through."""

from __future__ import annotations

from tests.scenarios.field import Field
from tests.scenarios.office import RECORD, TAMPER_ALARM, VERIFY
from tests.scenarios.waiting import until

_SHORT_S, _LONG_S = 120, 3600


def test_a_device_that_is_cut_off_loses_what_was_revoked_at_max_offline(field: Field) -> None:
    device = field.device({RECORD: {"freshness": {"max_offline": _SHORT_S, "max_silent": _LONG_S}}})
    device.line("cut")
    field.office.order("revoke", scope={"device": device.id, "capability": RECORD})
    assert device.sync()["reached"] is False
    device.pass_time(_SHORT_S / 2)
    assert device.code(RECORD) == "granted"
    device.pass_time(_SHORT_S / 2 + 1)
    assert device.use(RECORD)["code"] == "status.stale"
    assert device.use(TAMPER_ALARM)["granted"]

    device.line("whole")
    until(lambda: device.sync() and device.code(RECORD), lambda code: code == "status.invalid")


def test_a_device_that_reads_lists_but_stays_silent_loses_its_capabilities_at_max_silent(field: Field) -> None:
    freshness = {"max_offline": _LONG_S, "max_silent": _SHORT_S}
    device = field.device({RECORD: {"freshness": freshness}, VERIFY: {"freshness": freshness}})
    device.line("mute")
    field.office.order("suspend", scope={"device": device.id, "capability": VERIFY})
    # That a list gets through is seen by what it takes away.
    until(lambda: device.sync() and device.code(VERIFY), lambda code: code == "status.suspended")
    assert device.code(RECORD) == "granted"
    device.pass_time(_SHORT_S + 1)
    assert device.sync()["reached"] is False
    assert device.use(RECORD)["code"] == "contact.silent"


def test_a_device_that_keeps_lists_away_gets_no_new_version_of_what_is_suspended(field: Field) -> None:
    device = field.device({RECORD: {}, VERIFY: {}})
    field.office.order("suspend", scope={"device": device.id, "capability": RECORD})
    until(lambda: device.sync() and device.code(RECORD), lambda code: code == "status.suspended")
    # A new version has new places in the lists, and a list from before says of all of them that they are valid.
    device.line("deaf")
    field.office.post(f"/v1/devices/{device.id}/entitlements/renewal")
    for _ in range(3):
        assert device.sync()["reached"]
        assert device.use(RECORD)["code"] == "status.suspended"

    device.line("whole")
    until(device.sync, lambda report: bool(report["entitlement"]))
    assert device.use(RECORD)["code"] == "status.suspended"
    assert device.use(VERIFY)["code"] == "granted"
