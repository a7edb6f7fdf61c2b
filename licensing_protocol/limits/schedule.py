"""``schedule``: windows of the week in local time (protocol §3, §5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument, Unavailable
from licensing_protocol.fields import Fields
from licensing_protocol.limits.verdict import Verdict, fails, holds, unknown
from licensing_protocol.reasons import Reason
from licensing_protocol.time_bounds import TimeBounds

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", re.ASCII)
_MIDNIGHT = "24:00"
_MINUTES_PER_HOUR = 60
_MINUTES_PER_DAY = 24 * _MINUTES_PER_HOUR
_SECONDS_PER_DAY = 86_400
_SEARCH_DAYS = 400
# Whether an opening goes on for longer than this needs no answer yet: it is asked again by then.
_FAR_ENOUGH_S = 8 * _SECONDS_PER_DAY
_MAX_WINDOWS = 100
_MAX_EXCEPTIONS = 1000
# No zone is a day or more from UTC, so two days around an instant hold every window that can contain it.
_MARGIN_DAYS = 2
# Files that some systems keep beside the IANA zones: what they mean differs from one device to the next.
_NOT_OF_THE_DATABASE = frozenset({"localtime", "posixrules", "posix", "right"})
# 9990-01-01: beyond it the calendar has no room to look for the next opening.
_LAST_INSTANT = 253_086_249_600


@dataclass(frozen=True, slots=True)
class WeeklyWindow:
    """Minutes after local midnight; ``ends`` is above a day's minutes where the window crosses midnight."""

    days: tuple[str, ...]
    begins: int
    ends: int

    @classmethod
    def parse(cls, value: Any) -> WeeklyWindow:
        """Read ``{days, from, to}``; a window without length is ``schedule.window``."""
        fields = Fields(value, "schedule.windows")
        days = fields.texts("days", least=1, most=len(DAYS))
        begins, ends = _minutes(fields.text("from")), _minutes(fields.text("to"), or_midnight=True)
        fields.end()
        if not set(days) <= set(DAYS):
            raise MalformedDocument("Days are MON to SUN.", code="schedule.day")
        if begins == ends:
            raise MalformedDocument("A window has a length; a whole day is 00:00 to 24:00.", code="schedule.window")
        return cls(days, begins, ends if ends > begins else ends + _MINUTES_PER_DAY)

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        ends = self.ends if self.ends <= _MINUTES_PER_DAY else self.ends - _MINUTES_PER_DAY
        return {"days": list(self.days), "from": _clock(self.begins), "to": _clock(ends)}


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly windows in the zone ``tz``; days and exceptions name the local day on which a window begins.

    Where a clock change makes a local edge ambiguous the earlier instant is taken, and one that does not exist is
    moved forward by the length of the gap (PEP 495, ``fold=0``).
    """

    tz: str
    windows: tuple[WeeklyWindow, ...]
    exceptions: frozenset[date]

    @classmethod
    def parse(cls, value: Any) -> Schedule:
        """Read ``{tz, windows, except?}``; ``schedule.tz`` for a name that no zone has."""
        fields = Fields(value, "schedule")
        tz = _zone_name(fields.text("tz", longest=64))
        windows = fields.list_of("windows", least=1, most=_MAX_WINDOWS)
        exceptions = fields.optional("except", lambda name: fields.texts(name, most=_MAX_EXCEPTIONS)) or ()
        fields.end()
        return cls(tz, tuple(map(WeeklyWindow.parse, windows)), frozenset(map(_date, exceptions)))

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {
            "tz": self.tz,
            "windows": [window.to_claims() for window in self.windows],
            "except": sorted(day.isoformat() for day in self.exceptions),
        }

    def compile(self) -> CompiledSchedule:
        """Make it ready to evaluate.

        Raises:
            Unavailable: ``schedule.tz`` for a zone that this installation's database does not have.
        """
        return CompiledSchedule(self)


class CompiledSchedule:
    """A schedule with its time zone ready."""

    def __init__(self, schedule: Schedule) -> None:
        # Loaded with the first schedule: a device without one starts the sooner.
        from zoneinfo import ZoneInfo

        self._schedule = schedule
        try:
            self._zone = ZoneInfo(schedule.tz)
        except (KeyError, ValueError, OSError) as error:
            sentence = f"No time zone is called {schedule.tz!r} here; a newer tzdata may have it."
            raise Unavailable(sentence, code="schedule.tz") from error

    def evaluate(self, time: TimeBounds) -> Verdict:
        """Hold the time against the windows: the whole interval, or else the wall clock, lies inside."""
        if not time.known:
            return unknown(Reason("time.unknown"))
        earliest = time.latest if time.upper is None else time.lower
        latest = time.latest if time.upper is None else time.upper
        if earliest > _LAST_INSTANT:
            return fails(Reason("schedule.closed"))
        for begins, ends in self._openings(earliest, latest + _FAR_ENOUGH_S):
            if begins <= earliest and latest < ends:
                return holds(time.latest + ends - latest)
            if begins > earliest:
                return fails(Reason("schedule.closed", retry_at=begins), time.latest + begins - earliest)
        return fails(Reason("schedule.closed"), time.latest + (_SEARCH_DAYS - _MARGIN_DAYS) * _SECONDS_PER_DAY)

    def _openings(self, instant: int, far_enough: int) -> Iterator[tuple[int, int]]:
        """Yield merged (begin, end) instants, in order, from about ``instant`` on; of one that goes on, as much."""
        pending: tuple[int, int] | None = None
        for begins, ends in self._spans(instant):
            if pending is None or begins > pending[1]:
                if pending is not None and pending[1] > instant:
                    yield pending
                pending = (begins, ends)
            pending = (pending[0], max(pending[1], ends))
            if pending[1] > far_enough:
                break
        if pending is not None and pending[1] > instant:
            yield pending

    def _spans(self, instant: int) -> Iterator[tuple[int, int]]:
        """Yield the (begin, end) of each window, in the order of their beginnings."""
        today = datetime.fromtimestamp(instant, UTC).date()
        waiting: list[tuple[int, int]] = []
        for offset in range(-_MARGIN_DAYS, _SEARCH_DAYS):
            day = today + timedelta(days=offset)
            # A clock change can move a window behind one of the next day, but not behind one of the day after it.
            settled = _instant(day, 0, self._zone)
            waiting = sorted([*waiting, *self._spans_of(day)])
            while waiting and waiting[0][0] < settled:
                yield waiting.pop(0)
        yield from waiting

    def _spans_of(self, day: date) -> Iterator[tuple[int, int]]:
        if day in self._schedule.exceptions:
            return
        for window in self._schedule.windows:
            if DAYS[day.weekday()] in window.days:
                begins, ends = (_instant(day, minutes, self._zone) for minutes in (window.begins, window.ends))
                if begins < ends:
                    yield begins, ends


def _instant(day: date, minutes: int, zone: ZoneInfo) -> int:
    days, rest = divmod(minutes, _MINUTES_PER_DAY)
    clock = time(*divmod(rest, _MINUTES_PER_HOUR))
    return int(datetime.combine(day + timedelta(days=days), clock, zone).timestamp())


def _zone_name(name: str) -> str:
    """Return the name if it could be one of the IANA database, whichever edition of it is installed here."""
    if not _ZONE.fullmatch(name) or name.partition("/")[0] in _NOT_OF_THE_DATABASE:
        raise MalformedDocument(f"{name!r} is no name of a time zone.", code="schedule.tz")
    return name


def _minutes(text: str, *, or_midnight: bool = False) -> int:
    match = _CLOCK.fullmatch(text)
    if match:
        return int(match[1]) * _MINUTES_PER_HOUR + int(match[2])
    if or_midnight and text == _MIDNIGHT:
        return _MINUTES_PER_DAY
    raise MalformedDocument("Clock times are written 08:00.", code="schedule.clock")


def _clock(minutes: int) -> str:
    return "{:02d}:{:02d}".format(*divmod(minutes, _MINUTES_PER_HOUR))


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise MalformedDocument("Dates are written 2026-12-25.", code="schedule.date") from error
    if day.isoformat() != text:
        raise MalformedDocument("Dates are written 2026-12-25.", code="schedule.date")
    return day
