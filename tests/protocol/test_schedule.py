"""Schedules against a walk over the minutes of local time, made without the code under test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.limits.schedule import DAYS, Schedule
from licensing_protocol.limits.verdict import Standing
from licensing_protocol.time_bounds import TimeBounds

ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Kiritimati"]
CLOCKS = st.tuples(st.integers(0, 23), st.integers(0, 59))


def text(clock: tuple[int, int]) -> str:
    return f"{clock[0]:02d}:{clock[1]:02d}"


@given(
    st.sampled_from(ZONES),
    st.sets(st.sampled_from(DAYS), min_size=1),
    CLOCKS,
    CLOCKS,
    st.integers(1_750_000_000, 1_800_000_000),
)
@settings(deadline=None, max_examples=200)
def test_a_window_is_open_when_local_time_says_so(
    tz: str, days: set[str], begins: tuple[int, int], ends: tuple[int, int], instant: int
) -> None:
    if begins == ends:
        return
    schedule = Schedule.parse(
        {"tz": tz, "windows": [{"days": sorted(days), "from": text(begins), "to": text(ends)}], "except": []}
    )
    local = datetime.fromtimestamp(instant, UTC).astimezone(ZoneInfo(tz))
    if any((local + timedelta(hours=h)).utcoffset() != local.utcoffset() for h in range(-30, 30)):
        return  # clock changes have hand-picked cases below
    clock = (local.hour, local.minute)
    today, yesterday = DAYS[local.weekday()] in days, DAYS[(local.weekday() - 1) % 7] in days
    if begins < ends:
        expected = today and begins <= clock < ends
    else:
        expected = (today and clock >= begins) or (yesterday and clock < ends)
    assert (schedule.evaluate(TimeBounds.exactly(instant)).standing is Standing.HOLDS) == expected


@given(st.integers(1_750_000_000, 1_800_000_000), st.sampled_from(ZONES))
@settings(deadline=None, max_examples=100)
def test_the_answer_stands_until_it_says_and_then_changes(instant: int, tz: str) -> None:
    schedule = Schedule.parse({"tz": tz, "windows": [{"days": ["MON", "THU"], "from": "22:30", "to": "05:15"}]})
    verdict = schedule.evaluate(TimeBounds.exactly(instant))
    assert verdict.changes_at is not None
    before, after = (schedule.evaluate(TimeBounds.exactly(verdict.changes_at + step)) for step in (-1, 0))
    assert before.standing is verdict.standing
    assert after.standing is not verdict.standing


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-29T00:30:00+00:00", True),  # 01:30 before the spring gap
        ("2026-03-29T01:15:00+00:00", True),  # 03:15: 02:30 does not exist, so the edge moves on to 03:30
        ("2026-03-29T01:30:00+00:00", False),  # 03:30
        ("2026-10-25T00:15:00+00:00", True),  # the first 02:15 in autumn
        ("2026-10-25T01:15:00+00:00", False),  # the second 02:15: the edge was the first 02:30
    ],
)
def test_clock_changes_follow_the_stated_rule(moment: str, is_open: bool) -> None:
    schedule = Schedule.parse({"tz": "Europe/Berlin", "windows": [{"days": ["SUN"], "from": "01:00", "to": "02:30"}]})
    instant = int(datetime.fromisoformat(moment).timestamp())
    assert (schedule.evaluate(TimeBounds.exactly(instant)).standing is Standing.HOLDS) == is_open


def test_an_interval_must_lie_inside_whole() -> None:
    schedule = Schedule.parse({"tz": "UTC", "windows": [{"days": ["MON"], "from": "08:00", "to": "18:00"}]})
    eight = int(datetime(2026, 9, 21, 8, tzinfo=UTC).timestamp())
    assert schedule.evaluate(TimeBounds(eight, eight + 10)).standing is Standing.HOLDS
    assert schedule.evaluate(TimeBounds(eight - 1, eight + 10)).standing is Standing.FAILS
    assert schedule.evaluate(TimeBounds(eight, None, None)).standing is Standing.UNKNOWN
