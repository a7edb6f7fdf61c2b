"""Row 4: the position jumps, or is dragged off slowly. It is reported, and the last good one is not made to last."""

from __future__ import annotations

from licensing_protocol.canonical import JsonObject
from tests.scenarios.device import Device
from tests.scenarios.field import Field
from tests.scenarios.office import RECORD
from tests.scenarios.places import STRASBOURG, around, north_of, within
from tests.scenarios.waiting import until

_MAX_AGE_S = 60
_FASTEST_MPS = 20.0
_COUNTRYSIDE = {"countryside": around(STRASBOURG, 60_000)}
_GRANTS: JsonObject = {
    RECORD: {
        "limits": {
            "area": within("countryside", max_age=_MAX_AGE_S),
            "platform": {"max_speed_mps": _FASTEST_MPS},
        }
    }
}


def test_a_jump_is_reported_and_does_not_keep_the_last_good_position_alive(field: Field) -> None:
    device = field.device(_GRANTS, zones=_COUNTRYSIDE, receivers=1)
    device.place(STRASBOURG)
    until(lambda: device.code(RECORD), lambda code: code == "granted")
    # Elsewhere in the zone, so that only the way there speaks against it.
    elsewhere = north_of(STRASBOURG, 30_000)
    device.pass_time(5)
    device.place(elsewhere)
    assert _reported(field, device) == {"implied_speed"}
    assert device.code(RECORD) == "granted"
    for _ in range(2):
        device.pass_time(_MAX_AGE_S / 2)
        device.place(elsewhere)
    assert device.use(RECORD)["code"] == "area.no_position"
    field.office.wait_for_case(device.id, "position.anomaly")


def test_a_slow_drag_off_is_noticed_by_the_receiver_that_is_not_dragged(field: Field) -> None:
    device = field.device(_GRANTS, zones=_COUNTRYSIDE, receivers=2)
    device.place(STRASBOURG, STRASBOURG)
    until(lambda: device.code(RECORD), lambda code: code == "granted")
    dragged = 0.0
    while device.code(RECORD) != "area.no_position":
        # Slower than a walk: nothing that one receiver says by itself is impossible.
        dragged += 30
        assert dragged <= 300
        device.pass_time(20)
        device.place(north_of(STRASBOURG, dragged), STRASBOURG)
    assert _reported(field, device) == {"disagreement"}
    assert device.use(RECORD)["code"] == "area.no_position"
    field.office.wait_for_case(device.id, "position.anomaly")


def _reported(field: Field, device: Device) -> set[str]:
    """Let the device report until the server knows of a position that cannot be right; return what is wrong with it."""

    def report() -> list[JsonObject]:
        device.sync()
        return field.office.events(device.id, "position.implausible")

    return {event["problem"] for event in until(report)}
