"""Schedules in zones that do what no other does, each with instants that a person has worked out.

The instants are written in UTC, so that nothing here rests on the zone under test but the zone's own database.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from licensing_protocol.limits.schedule import DAYS, Schedule
from licensing_protocol.limits.verdict import Standing
from licensing_protocol.time_bounds import TimeBounds

WEEK = list(DAYS)
NIGHT = {"days": WEEK, "from": "22:00", "to": "06:00"}
MORNING = {"days": WEEK, "from": "08:00", "to": "09:00"}
SMALL_HOURS = {"days": WEEK, "from": "01:45", "to": "02:15"}
WHOLE = {"from": "00:00", "to": "24:00"}


def opens(tz: str, moment: str, *windows: dict[str, Any], exceptions: tuple[str, ...] = ()) -> bool:
    schedule = Schedule.parse({"tz": tz, "windows": list(windows), "except": list(exceptions)})
    instant = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())
    return schedule.compile().evaluate(TimeBounds.exactly(instant)).standing is Standing.HOLDS


@pytest.mark.parametrize(
    ("tz", "window", "moment", "is_open"),
    [
        # Nepal, +05:45: eight o'clock is 02:15 UTC.
        ("Asia/Kathmandu", MORNING, "2026-09-21T02:14:59", False),
        ("Asia/Kathmandu", MORNING, "2026-09-21T02:15:00", True),
        ("Asia/Kathmandu", MORNING, "2026-09-21T03:15:00", False),
        # Chatham, +12:45, in summer +13:45.
        ("Pacific/Chatham", MORNING, "2026-06-30T19:15:00", True),
        ("Pacific/Chatham", MORNING, "2026-06-30T19:14:59", False),
        ("Pacific/Chatham", MORNING, "2026-12-31T18:15:00", True),
        ("Pacific/Chatham", MORNING, "2026-12-31T19:15:00", False),
        # Kiritimati, +14: its Monday begins on Sunday at 10:00 UTC.
        ("Pacific/Kiritimati", WHOLE | {"days": ["MON"]}, "2026-09-20T09:59:59", False),
        ("Pacific/Kiritimati", WHOLE | {"days": ["MON"]}, "2026-09-20T10:00:00", True),
        # Lord Howe goes back by half an hour, from 02:00 (+11) to 01:30 (+10:30), on 5 April at 15:00 UTC the day
        # before. 01:45 is there twice and counts when it first comes; 02:15 comes once, after the change.
        ("Australia/Lord_Howe", SMALL_HOURS, "2026-04-04T14:44:59", False),
        ("Australia/Lord_Howe", SMALL_HOURS, "2026-04-04T14:45:00", True),
        ("Australia/Lord_Howe", SMALL_HOURS, "2026-04-04T15:10:00", True),
        ("Australia/Lord_Howe", SMALL_HOURS, "2026-04-04T15:44:59", True),
        ("Australia/Lord_Howe", SMALL_HOURS, "2026-04-04T15:45:00", False),
        # It goes forward from 02:00 to 02:30: 02:15 does not exist and becomes 02:45 (+11).
        ("Australia/Lord_Howe", SMALL_HOURS, "2026-10-03T15:15:00", True),
        ("Australia/Lord_Howe", SMALL_HOURS, "2026-10-03T15:44:59", True),
        ("Australia/Lord_Howe", SMALL_HOURS, "2026-10-03T15:45:00", False),
        # Dublin's winter is the exception, with a negative saving; its nights are as long as London's.
        ("Europe/Dublin", MORNING, "2026-01-15T08:00:00", True),
        ("Europe/Dublin", MORNING, "2026-07-15T07:00:00", True),
        ("Europe/Dublin", MORNING, "2026-07-15T08:00:00", False),
        ("Europe/Dublin", NIGHT, "2026-03-29T04:59:59", True),
        ("Europe/Dublin", NIGHT, "2026-03-29T05:00:00", False),
        ("Europe/Dublin", NIGHT, "2026-10-25T05:59:59", True),
        ("Europe/Dublin", NIGHT, "2026-10-25T06:00:00", False),
        # Casablanca goes back to +00 for Ramadan: in 2026 from 15 February to 22 March.
        ("Africa/Casablanca", MORNING, "2026-02-10T07:00:00", True),
        ("Africa/Casablanca", MORNING, "2026-03-01T07:30:00", False),
        ("Africa/Casablanca", MORNING, "2026-03-01T08:30:00", True),
        ("Africa/Casablanca", MORNING, "2026-04-01T07:30:00", True),
        # A leap day is a day like others, and 2100 has none.
        ("UTC", WHOLE | {"days": ["TUE"]}, "2028-02-29T12:00:00", True),
        ("UTC", WHOLE | {"days": ["MON"]}, "2100-03-01T00:00:00", True),
        ("UTC", WHOLE | {"days": ["SUN"]}, "2100-02-28T23:59:59", True),
        # A window over midnight belongs to the day on which it begins.
        ("UTC", NIGHT | {"days": ["FRI"]}, "2026-09-26T05:59:59", True),
        ("UTC", NIGHT | {"days": ["FRI"]}, "2026-09-26T22:00:00", False),
        ("UTC", NIGHT | {"days": ["SUN"]}, "2026-12-31T23:00:00", False),
        ("UTC", NIGHT | {"days": ["THU"]}, "2027-01-01T05:00:00", True),
    ],
)
def test_worked_out_by_hand(tz: str, window: dict[str, Any], moment: str, is_open: bool) -> None:
    assert opens(tz, moment, window) is is_open


def test_a_day_that_never_was() -> None:
    # Apia went from Thursday 29 December 2011 (-10) at once to Saturday the 31st (+14), at 10:00 UTC on the 30th. The
    # Friday that never was would begin and end in the same instant, so it has no window.
    friday = WHOLE | {"days": ["FRI"]}
    for moment in ("2011-12-30T09:59:59", "2011-12-30T10:00:00", "2011-12-31T09:59:59", "2011-12-31T10:00:00"):
        assert not opens("Pacific/Apia", moment, friday)
    thursday = WHOLE | {"days": ["THU"]}
    assert opens("Pacific/Apia", "2011-12-30T09:59:59", thursday)
    assert not opens("Pacific/Apia", "2011-12-31T10:00:00", thursday)
    saturday = WHOLE | {"days": ["SAT"]}
    assert opens("Pacific/Apia", "2011-12-30T10:00:00", saturday)
    assert opens("Pacific/Apia", "2011-12-31T09:59:59", saturday)
    assert not opens("Pacific/Apia", "2011-12-31T10:00:00", saturday)


def test_an_exception_closes_the_window_that_begins_on_that_day_and_no_other() -> None:
    leap_day = ("2028-02-29",)
    assert not opens("UTC", "2028-02-29T23:00:00", NIGHT, exceptions=leap_day)
    assert not opens("UTC", "2028-03-01T05:00:00", NIGHT, exceptions=leap_day)
    assert opens("UTC", "2028-02-29T05:00:00", NIGHT, exceptions=leap_day)
    assert opens("UTC", "2028-03-01T22:00:00", NIGHT, exceptions=leap_day)


ODD = [
    *("Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Apia"),
    *("Europe/Dublin", "Africa/Casablanca", "America/St_Johns", "Antarctica/Troll", "Asia/Tehran", "Africa/El_Aaiun"),
]


@given(st.sampled_from(ODD), st.integers(1_300_000_000, 2_100_000_000), st.integers(0, 1438), st.integers(1, 600))
@settings(deadline=None, max_examples=300)
def test_a_window_is_open_when_the_local_clock_shows_it(tz: str, instant: int, begins: int, length: int) -> None:
    zone = ZoneInfo(tz)
    around = [datetime.fromtimestamp(instant + hours * 3600, zone).utcoffset() for hours in range(-48, 49)]
    # Near a change of the clocks the edges have rules of their own, which are tested above and by the walk.
    assume(len(set(around)) == 1)
    ends = min(begins + length, 1439)
    window = {
        "days": WEEK,
        "from": "{:02d}:{:02d}".format(*divmod(begins, 60)),
        "to": "{:02d}:{:02d}".format(*divmod(ends, 60)),
    }
    local = datetime.fromtimestamp(instant, zone)
    minutes = timedelta(hours=local.hour, minutes=local.minute) // timedelta(minutes=1)
    verdict = Schedule.parse({"tz": tz, "windows": [window]}).compile().evaluate(TimeBounds.exactly(instant))
    assert (verdict.standing is Standing.HOLDS) == (begins <= minutes < ends)
