"""Row 11: the device is resold or diverted. A new place or other operators open a case; it needs a new issue."""

from __future__ import annotations

from tests.scenarios.field import Field, plan
from tests.scenarios.office import RECORD, VERIFY
from tests.scenarios.places import OFFENBURG, STRASBOURG, around, within

_HOUR_S, _DAY_S = 3600, 86_400
_ZONES = {"district": around(STRASBOURG, 2000)}
_ABROAD = {"district": around(OFFENBURG, 2000)}
_SIGNED = {"audit": "each", "limits": {"operators": {"distinct": 2}}}


def test_a_device_that_is_used_elsewhere_is_denied_reported_and_needs_a_new_issue(field: Field) -> None:
    grants = {RECORD: {"limits": {"area": within("district")}}}
    device = field.device(grants, zones=_ZONES)
    device.locate(STRASBOURG)
    assert device.use(RECORD)["code"] == "granted"

    device.pass_time(_HOUR_S)
    device.locate(OFFENBURG)
    for _ in range(5):
        assert device.use(RECORD)["code"] == "area.outside"
    assert device.sync()["reached"]
    # Often, but not for long: that is a border and no new home.
    field.office.wait_for_case(device.id, "denials.repeated")
    assert "diversion.place" not in field.office.cases(device.id)
    device.pass_time(_HOUR_S)
    device.locate(OFFENBURG)
    assert device.use(RECORD)["code"] == "area.outside"
    assert device.sync()["reached"]
    field.office.wait_for_case(device.id, "diversion.place")
    reported = str(field.office.get(f"/v1/devices/{device.id}/events"))
    assert not any(str(degrees) in reported for degrees in (*STRASBOURG, *OFFENBURG))

    field.office.issue(device.id, plan(grants, zones=_ABROAD))
    assert device.sync()["entitlement"] is True
    assert device.use(RECORD)["code"] == "granted"


def test_a_device_in_other_hands_is_reported_without_saying_whose(field: Field) -> None:
    device = field.device({VERIFY: _SIGNED}, valid_for=30 * _DAY_S)
    assert device.use(VERIFY, operators=["ana", "ben"])["code"] == "granted"
    device.pass_time(2 * _DAY_S)
    # A newcomer beside somebody known is no new owner.
    assert device.use(VERIFY, operators=["ana", "cleo"])["code"] == "granted"
    assert device.sync()["reached"]
    device.pass_time(2 * _DAY_S)
    assert device.use(VERIFY, operators=["xeno", "yves"])["code"] == "granted"
    assert device.sync()["reached"]
    case = field.office.wait_for_case(device.id, "diversion.operators")
    assert case["count"] == 1
    used = field.office.events(device.id, "capability.used")
    assert used[-1] == {"capability": VERIFY, "operators": 2, "known_days": 0, "longest_known_days": 4}
    assert [event["known_days"] for event in used] == [0, 2, 0]
