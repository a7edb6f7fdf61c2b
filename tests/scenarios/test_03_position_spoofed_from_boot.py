"""Row 3: the position is forged from the start. Where no source agrees it is unverified, and areas are denied."""

from __future__ import annotations

from licensing_protocol.canonical import JsonObject
from tests.scenarios.field import Field
from tests.scenarios.office import IDENTIFY, RECORD, VERIFY
from tests.scenarios.places import OFFENBURG, STRASBOURG, around, within
from tests.scenarios.waiting import until

_DISTRICT = {"district": around(STRASBOURG, 2000)}
_IN_DISTRICT = {"area": within("district")}
_COARSE = {"count_only": True}
_MINUTE_S = 60


def test_two_receivers_that_disagree_are_no_position(field: Field) -> None:
    device = field.device(
        {
            RECORD: {"limits": _IN_DISTRICT},
            IDENTIFY: {"limits": _IN_DISTRICT, "on_unknown": {"degrade": _COARSE}},
            VERIFY: {},
        },
        zones=_DISTRICT,
        receivers=2,
    )
    assert device.code(RECORD) == "area.no_position"
    device.reboot()
    for _ in range(2):
        # One of them is told that it stands where the grant allows, the other knows better.
        device.place(STRASBOURG, OFFENBURG)
        until(lambda: device.sync() and field.office.events(device.id, "position.implausible"))
        assert device.use(RECORD)["code"] == "area.no_position"
        assert device.use(IDENTIFY) == {"granted": True, "degraded": _COARSE, "code": "area.no_position"}
        assert device.use(VERIFY)["code"] == "granted"
        device.pass_time(20)
    assert {event["problem"] for event in field.office.events(device.id, "position.implausible")} == {"disagreement"}
    case = field.office.wait_for_case(device.id, "position.anomaly")
    assert str(OFFENBURG[0]) not in case["text"]

    device.pass_time(60)
    device.place(STRASBOURG, STRASBOURG)
    until(lambda: device.code(RECORD), lambda code: code == "granted")


def test_to_jam_the_honest_receiver_buys_an_hour_and_is_reported(field: Field) -> None:
    device = field.device({RECORD: {"limits": _IN_DISTRICT}}, zones=_DISTRICT, receivers=2)
    device.place(STRASBOURG, STRASBOURG)
    until(lambda: device.code(RECORD), lambda code: code == "granted")

    def report() -> list[JsonObject]:
        device.place(STRASBOURG, None)
        device.sync()
        return field.office.events(device.id, "position.unconfirmed")

    device.pass_time(11 * _MINUTE_S)
    assert until(report)[0]["silent"] == 1
    assert device.code(RECORD) == "granted"
    field.office.wait_for_case(device.id, "position.anomaly")
    device.pass_time(50 * _MINUTE_S)
    for _ in range(2):
        # Who is asked again has had the first answer looked at.
        device.place(STRASBOURG, None)
    assert device.use(RECORD)["code"] == "area.no_position"
