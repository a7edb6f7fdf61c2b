"""Row 5: the antenna is cut, or the device taken indoors. After ``max_age`` the place is unknown."""

from __future__ import annotations

from tests.scenarios.field import Field
from tests.scenarios.office import IDENTIFY, RECORD, VERIFY
from tests.scenarios.places import STRASBOURG, around, within
from tests.scenarios.waiting import until

_MAX_AGE_S = 60
_DISTRICT = {"district": around(STRASBOURG, 2000)}
_IN_DISTRICT = {"area": within("district", max_age=_MAX_AGE_S)}
_BLURRED = {"blur_faces": True}


def test_what_depends_on_the_place_is_denied_or_degraded_as_granted(field: Field) -> None:
    device = field.device(
        {
            RECORD: {"limits": _IN_DISTRICT},
            IDENTIFY: {"limits": _IN_DISTRICT, "on_unknown": {"degrade": _BLURRED}},
            VERIFY: {},
        },
        zones=_DISTRICT,
        receivers=1,
    )
    device.place(STRASBOURG)
    until(lambda: device.code(RECORD), lambda code: code == "granted")
    device.pass_time(_MAX_AGE_S / 2)
    device.place(None)
    assert device.code(RECORD) == "granted"
    device.pass_time(_MAX_AGE_S / 2 + 1)
    assert device.use(RECORD)["code"] == "area.no_position"
    assert device.use(IDENTIFY) == {"granted": True, "degraded": _BLURRED, "code": "area.no_position"}
    assert device.use(VERIFY)["code"] == "granted"

    device.sync()
    (denied,) = field.office.events(device.id, "capability.denied")
    assert denied == {"capability": RECORD, "reason": "area.no_position", "count": 1}

    device.place(STRASBOURG)
    until(lambda: device.code(RECORD), lambda code: code == "granted")
    assert device.code(IDENTIFY) == "granted"
