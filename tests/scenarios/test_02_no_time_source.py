"""Row 2: the battery is pulled and there is no source of time. Schedules are unknown until fresh signed time."""

from __future__ import annotations

import pytest

from tests.scenarios.field import Field
from tests.scenarios.office import IDENTIFY, RECORD, TAMPER_ALARM

_DAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
_ALWAYS = {"tz": "Europe/Paris", "windows": [{"days": _DAYS, "from": "00:00", "to": "24:00"}]}
_COARSE = {"count_only": True}
_HOUR_S = 3600


@pytest.mark.parametrize("wall", [0.0, 946_684_800.0], ids=["1970", "2000"])
def test_only_what_the_grant_allows_for_the_unknown(field: Field, wall: float) -> None:
    device = field.device(
        {
            RECORD: {"limits": {"schedule": _ALWAYS}},
            IDENTIFY: {"limits": {"schedule": _ALWAYS}, "on_unknown": {"degrade": _COARSE}},
        }
    )
    assert (device.code(RECORD), device.code(IDENTIFY)) == ("granted", "granted")

    device.reboot(wall=wall)
    assert device.use(RECORD)["code"] == "time.unknown"
    assert device.use(IDENTIFY) == {"granted": True, "degraded": _COARSE, "code": "time.unknown"}
    assert device.use(TAMPER_ALARM)["granted"]

    # A clock that runs, one that is set right by hand, another start and a list do not settle it.
    device.pass_time(_HOUR_S)
    device.set_wall(device.wall + _HOUR_S)
    assert device.code(RECORD) == "time.unknown"
    device.reboot()
    device.line("mute")
    assert device.sync()["reached"] is False
    assert device.code(RECORD) == "time.unknown"

    device.line("whole")
    assert device.sync()["reached"]
    assert device.use(RECORD)["code"] == "granted"
    assert device.use(IDENTIFY) == {"granted": True, "degraded": None, "code": "granted"}
    assert field.office.events(device.id, "clock.rolled_back")
    field.office.wait_for_case(device.id, "clock.anomaly")
