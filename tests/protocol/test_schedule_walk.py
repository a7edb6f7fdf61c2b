"""Schedules against a walk over every minute, clock changes, odd offsets and days that never were included.

The walk reads the local clock minute by minute, as a clock on the wall would show it; it knows nothing of how the code
under test finds an edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.limits.schedule import DAYS, Schedule
from licensing_protocol.limits.verdict import Standing
from licensing_protocol.time_bounds import TimeBounds

MINUTE = timedelta(minutes=1)
# The zone, and a UTC moment near which its clocks change (or do not).
MOMENTS = [
    ("UTC", "2026-09-21T12:00"),
    ("Asia/Kathmandu", "2026-09-21T12:00"),
    ("Europe/Berlin", "2026-03-29T01:00"),
    ("Europe/Berlin", "2026-10-25T01:00"),
    ("America/St_Johns", "2026-11-01T04:30"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"),  # half an hour back
    ("Australia/Lord_Howe", "2026-10-03T15:30"),  # half an hour forward
    ("Antarctica/Troll", "2026-03-29T01:00"),  # two hours forward
    ("America/Havana", "2026-03-08T05:00"),  # the first hour of the day is missing
    ("Africa/Casablanca", "2026-02-15T02:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),  # a whole day is missing
    ("Asia/Pyongyang", "2018-05-04T15:00"),
]


@cache
def walk(tz: str, moment: str) -> tuple[dict[datetime, datetime], list[tuple[datetime, timedelta]]]:
    """Return the first instant at which the wall clock shows each minute, and (shown before, length) of each gap."""
    zone, instant = ZoneInfo(tz), datetime.fromisoformat(moment).replace(tzinfo=UTC) - timedelta(days=5)
    first: dict[datetime, datetime] = {}
    gaps = []
    shown = instant.astimezone(zone).replace(tzinfo=None)
    for _ in range(10 * 24 * 60):
        now_shown = instant.astimezone(zone).replace(tzinfo=None)
        if now_shown > shown + MINUTE:
            gaps.append((shown, now_shown - shown - MINUTE))
        first.setdefault(now_shown, instant)
        shown, instant = now_shown, instant + MINUTE
    return first, gaps


def edge(tz: str, moment: str, local: datetime) -> datetime:
    """Return when the wall clock first shows ``local``; what it never shows moves forward by the gap's length."""
    first, gaps = walk(tz, moment)
    if local not in first:
        (length,) = (length for before, length in gaps if before < local <= before + length)
        local += length
    return first[local]


class Windows(NamedTuple):
    """The same windows on some days of the week, without some dates."""

    days: set[str]
    clocks: list[tuple[str, str]]
    exceptions: set[date]

    def parsed(self, tz: str) -> Schedule:
        windows = [{"days": sorted(self.days), "from": begins, "to": ends} for begins, ends in self.clocks]
        return Schedule.parse({"tz": tz, "windows": windows, "except": sorted(map(str, self.exceptions))})

    def spans(self, tz: str, moment: str) -> Iterator[tuple[datetime, datetime]]:
        """Yield when each window opens and closes, near the moment."""
        around = datetime.fromisoformat(moment).date()
        for day in (around + timedelta(days=offset) for offset in range(-3, 4)):
            if DAYS[day.weekday()] in self.days and day not in self.exceptions:
                for begins, ends in self.clocks:
                    opens, closes = (datetime.combine(day, time()) + clock_of(text) for text in (begins, ends))
                    closes += timedelta(days=1) if closes <= opens else timedelta()
                    yield edge(tz, moment, opens), edge(tz, moment, closes)


def clock_of(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


CLOCKS = st.tuples(st.sampled_from([0, 1, 2, 3, 8, 22, 23]), st.sampled_from([0, 15, 30, 59])).map(
    "{0[0]:02d}:{0[1]:02d}".format
)
PAIRS = st.tuples(CLOCKS, CLOCKS | st.just("24:00")).filter(lambda pair: pair[0] != pair[1])


@pytest.mark.parametrize(("tz", "moment"), MOMENTS)
@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_a_schedule_is_open_exactly_when_the_clock_on_the_wall_says_so(
    tz: str, moment: str, data: st.DataObject
) -> None:
    near = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    dates = st.integers(-2, 2).map(lambda offset: (near + timedelta(days=offset)).date())
    windows = Windows(
        data.draw(st.sets(st.sampled_from(DAYS), min_size=3)),
        data.draw(st.lists(PAIRS, min_size=1, max_size=3)),
        data.draw(st.sets(dates, max_size=2)),
    )
    schedule, spans = windows.parsed(tz), list(windows.spans(tz, moment))
    edges = [instant for span in spans for instant in span]
    drawn = data.draw(st.lists(st.integers(-36 * 60, 36 * 60), max_size=10))
    for instant in (*edges, *(near + minutes * MINUTE for minutes in drawn)):
        for second in (instant - timedelta(seconds=1), instant):
            if abs(second - near) < timedelta(hours=36):
                is_open = any(begins <= second < ends for begins, ends in spans)
                verdict = schedule.compile().evaluate(TimeBounds.exactly(int(second.timestamp())))
                assert (verdict.standing is Standing.HOLDS) == is_open, second
                opens = [begins for begins, ends in spans if second < begins < ends]
                # Later openings may lie on days that were not walked.
                if verdict.reason is not None and opens and min(opens) - near < timedelta(hours=48):
                    assert verdict.reason.retry_at == int(min(opens).timestamp()), second


@pytest.mark.parametrize(("tz", "moment"), MOMENTS)
@given(data=st.data())
@settings(deadline=None, max_examples=10)
def test_an_interval_is_open_when_every_second_of_it_is_in_one_opening(
    tz: str, moment: str, data: st.DataObject
) -> None:
    schedule = Windows(set(DAYS[:5]), data.draw(st.lists(PAIRS, min_size=1, max_size=2)), set()).parsed(tz)
    near = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())
    lower = near + data.draw(st.integers(-1440, 1440)) * 60
    length = data.draw(st.integers(0, 180))
    inside = all(
        schedule.compile().evaluate(TimeBounds.exactly(instant)).standing is Standing.HOLDS
        for instant in range(lower, lower + length * 60 + 1, 60)
    )
    assert (schedule.compile().evaluate(TimeBounds(lower, lower + length * 60)).standing is Standing.HOLDS) == inside
