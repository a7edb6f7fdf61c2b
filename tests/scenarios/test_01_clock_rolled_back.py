"""Row 1: the clock is rolled back at expiry, or the device power-cycled to freeze time. Expired stays expired."""

from __future__ import annotations

from tests.scenarios.field import Field
from tests.scenarios.office import RECORD, TAMPER_ALARM

_VALID_S = 300
# What a start adds to the stored mark of time at least (protocol §5), and how far a wall clock may be behind it.
_MARK_S = 60
_MOST_BEHIND_S = 300


def test_a_clock_set_back_at_expiry_brings_nothing_back(field: Field) -> None:
    device = field.device({RECORD: {}}, valid_for=_VALID_S)
    begun = device.wall
    assert device.code(RECORD) == "granted"
    device.pass_time(2 * _VALID_S)
    assert device.code(RECORD) == "entitlement.expired"
    device.set_wall(begun)
    assert device.code(RECORD) == "entitlement.expired"
    device.reboot(wall=begun)
    assert device.code(RECORD) == "entitlement.expired"
    assert device.use(TAMPER_ALARM)["granted"]

    assert device.sync()["reached"]
    assert device.code(RECORD) == "entitlement.expired"
    assert [event["seconds"] < 0 for event in field.office.events(device.id, "clock.jumped")] == [True]
    (rolled_back,) = field.office.events(device.id, "clock.rolled_back")
    assert rolled_back["against"] == "boot"
    assert rolled_back["seconds"] > _VALID_S
    assert field.office.wait_for_case(device.id, "clock.anomaly")["state"] == "open"


def test_switching_off_and_on_again_does_not_freeze_time(field: Field) -> None:
    device = field.device({RECORD: {}}, valid_for=_VALID_S)
    frozen = device.wall
    answers = []
    for _ in range(_VALID_S // _MARK_S + 2):
        device.reboot(wall=frozen)
        answers.append(device.code(RECORD))
    assert answers[0] == "granted"
    assert answers[-2:] == ["entitlement.expired"] * 2
    assert device.sync()["reached"]
    (first, *_) = field.office.events(device.id, "clock.rolled_back")
    assert first["seconds"] > _MOST_BEHIND_S
    field.office.wait_for_case(device.id, "clock.anomaly")
