"""Schedules at clock changes and over intervals; test_schedule_walk holds them against a walk over every minute."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.limits.schedule import Schedule
from licensing_protocol.limits.verdict import Standing
from licensing_protocol.time_bounds import TimeBounds

ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Kiritimati"]


@given(st.integers(1_750_000_000, 1_800_000_000), st.sampled_from(ZONES))
@settings(deadline=None, max_examples=100)
def test_the_answer_stands_until_it_says_and_then_changes(instant: int, tz: str) -> None:
    schedule = Schedule.parse({"tz": tz, "windows": [{"days": ["MON", "THU"], "from": "22:30", "to": "05:15"}]})
    verdict = schedule.compile().evaluate(TimeBounds.exactly(instant))
    assert verdict.changes_at is not None
    before, after = (schedule.compile().evaluate(TimeBounds.exactly(verdict.changes_at + step)) for step in (-1, 0))
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
    assert (schedule.compile().evaluate(TimeBounds.exactly(instant)).standing is Standing.HOLDS) == is_open


def test_an_interval_must_lie_inside_whole() -> None:
    schedule = Schedule.parse({"tz": "UTC", "windows": [{"days": ["MON"], "from": "08:00", "to": "18:00"}]})
    eight = int(datetime(2026, 9, 21, 8, tzinfo=UTC).timestamp())
    assert schedule.compile().evaluate(TimeBounds(eight, eight + 10)).standing is Standing.HOLDS
    assert schedule.compile().evaluate(TimeBounds(eight - 1, eight + 10)).standing is Standing.FAILS
    assert schedule.compile().evaluate(TimeBounds(eight, None, None)).standing is Standing.UNKNOWN
