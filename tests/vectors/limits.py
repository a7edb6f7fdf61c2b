"""Cases of the limits by themselves (protocol §3): schedules, areas, quotas, patterns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from licensing_protocol.canonical import JsonObject
from tests.vectors.entitlements import SQUARE, ZONE
from tests.vectors.forge import accepted, refused


def at(text: str) -> int:
    """Return the instant of a UTC time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _weekly(days: list[str], begins: str, ends: str, tz: str = "UTC") -> JsonObject:
    return {"tz": tz, "windows": [{"days": days, "from": begins, "to": ends}]}


OFFICE: Final = _weekly(["MON", "TUE"], "08:00", "18:00")
NIGHT: Final = _weekly(["FRI"], "22:00", "06:00")
WEEK: Final = _weekly(["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], "00:00", "24:00")
# Samoa went from Thursday the 29th to Saturday the 31st of December 2011.
APIA: Final = {
    "tz": "Pacific/Apia",
    "windows": [
        {"days": ["FRI"], "from": "01:00", "to": "01:15"},
        {"days": ["SAT"], "from": "00:15", "to": "00:30"},
    ],
}
BERLIN: Final = _weekly(["SUN"], "01:00", "02:30", "Europe/Berlin")


def schedule_cases() -> list[JsonObject]:
    def case(
        name: str, comment: str, schedule: JsonObject, now: Any, answer: str, retry: str | None = None
    ) -> JsonObject:
        more = {} if retry is None else {"retry_at": at(retry)}
        return accepted(name, comment, {"schedule": schedule, "now": now}, answer=answer, **more)

    eight, six = at("2026-09-21T08:00:00"), at("2026-09-21T18:00:00")
    holiday = OFFICE | {"except": ["2026-09-21"]}
    night_off = NIGHT | {"except": ["2026-09-25"]}
    closed_for_good = _weekly(["MON"], "08:00", "09:00") | {"except": _mondays()}
    return [
        case("first second", "from is inclusive", OFFICE, eight, "open"),
        case("last second", "to is exclusive", OFFICE, six - 1, "open"),
        case("second before", "opens at eight", OFFICE, eight - 1, "closed", "2026-09-21T08:00:00"),
        case("second after", "opens the next day", OFFICE, six, "closed", "2026-09-22T08:00:00"),
        case("over the weekend", "opens on Monday", OFFICE, at("2026-09-23T12:00:00"), "closed", "2026-09-28T08:00:00"),
        case("an exception", "opens on Tuesday", holiday, eight, "closed", "2026-09-22T08:00:00"),
        case("never", "no opening within a year", closed_for_good, eight, "closed"),
        case("interval inside", "all of it is", OFFICE, [eight, six - 1], "open"),
        case(
            "interval begins outside", "all of it must be", OFFICE, [eight - 1, eight], "closed", "2026-09-21T08:00:00"
        ),
        case("interval ends outside", "all of it must be", OFFICE, [six - 1, six], "closed", "2026-09-22T08:00:00"),
        case("no upper bound", "and no wall clock", OFFICE, [eight, None], "unknown"),
        case("past midnight", "Friday's window on Saturday", NIGHT, at("2026-09-26T05:59:59"), "open"),
        case("over midnight", "one window", NIGHT, [at("2026-09-25T23:59:59"), at("2026-09-26T00:00:01")], "open"),
        case(
            "Friday morning", "that was Thursday's", NIGHT, at("2026-09-25T05:00:00"), "closed", "2026-09-25T22:00:00"
        ),
        case(
            "exception of a night",
            "named by the day on which it begins",
            night_off,
            at("2026-09-26T05:00:00"),
            "closed",
            "2026-10-02T22:00:00",
        ),
        case(
            "day to day",
            "windows that touch are one",
            WEEK,
            [at("2026-09-21T23:59:59"), at("2026-09-22T00:00:01")],
            "open",
        ),
        case("spring, before the gap", "01:30 in Berlin", BERLIN, at("2026-03-29T00:30:00"), "open"),
        case(
            "spring, edge in the gap",
            "02:30 does not exist: the edge is 03:30",
            BERLIN,
            at("2026-03-29T01:15:00"),
            "open",
        ),
        case("spring, after it", "03:30", BERLIN, at("2026-03-29T01:30:00"), "closed", "2026-04-04T23:00:00"),
        case("autumn, first 02:15", "the edge is the first 02:30", BERLIN, at("2026-10-25T00:15:00"), "open"),
        case(
            "autumn, second 02:15",
            "the edge was the first 02:30",
            BERLIN,
            at("2026-10-25T01:15:00"),
            "closed",
            "2026-11-01T00:00:00",
        ),
        case(
            "half an hour",
            "Kathmandu is 5:45 ahead",
            _weekly(["MON"], "08:00", "09:00", "Asia/Kathmandu"),
            at("2026-09-21T02:15:00"),
            "open",
        ),
        case(
            "a day that never was, moved behind",
            "Friday's 01:00 is Saturday's",
            APIA,
            at("2011-12-30T11:05:00"),
            "open",
        ),
        case("before what was moved", "Saturday's 00:15", APIA, at("2011-12-30T10:20:00"), "open"),
        case("between", "after 00:30", APIA, at("2011-12-30T10:40:00"), "closed", "2011-12-30T11:00:00"),
        case("beyond the calendar", "no opening is looked for", WEEK, 2**53 - 1, "closed"),
        refused("interval backwards", "upper is not before lower", {"schedule": OFFICE, "now": [2, 1]}, "field.range"),
        refused("interval of one", "lower and upper", {"schedule": OFFICE, "now": [eight]}, "field.range"),
        refused("zone of no database", "no installation has it", _asked_in("Europe/Atlantis"), "schedule.tz"),
        refused("folder of zones", "a name of a zone, not of its folder", _asked_in("Europe"), "schedule.tz"),
        refused("zone is empty", "a name has a character", _asked_in(""), "field.range"),
        refused("a time as text", "an integer", {"schedule": OFFICE, "now": "noon"}, "field.type"),
    ]


def _asked_in(tz: str) -> JsonObject:
    return {"schedule": OFFICE | {"tz": tz}, "now": at("2026-09-21T08:00:00")}


def _mondays() -> list[str]:
    first = datetime(2026, 1, 5, tzinfo=UTC)
    return [datetime.fromtimestamp(first.timestamp() + week * 604_800, UTC).date().isoformat() for week in range(160)]


COMB: Final = ((0.009, 0.3125), "uncertain", None, 1000)


def _comb() -> list[list[float]]:
    """Return a ring with one edge of ten degrees along the equator, and a hundred teeth opposite."""
    teeth = [[10 - tooth / 10, 0.2 + tooth % 2 / 100] for tooth in range(101)]
    return [[0, 0], [10, 0], *teeth, [0, 0]]


def area_cases() -> list[JsonObject]:
    def zone(geometry: JsonObject, accuracy_m: float = 0) -> JsonObject:
        return ZONE | {"geometry": geometry, "accuracy_m": accuracy_m}

    def box(west: float, south: float, east: float, north: float) -> list[list[float]]:
        return [[west, south], [east, south], [east, north], [west, north], [west, south]]

    zones = {
        "square": zone({"type": "Polygon", "coordinates": SQUARE}),
        "coarse": zone({"type": "Polygon", "coordinates": SQUARE}, 5000),
        "fiji": zone({"type": "MultiPolygon", "coordinates": [[box(177, -19, 180, -16)], [box(-180, -19, -178, -16)]]}),
        "arctic": zone({"type": "Polygon", "coordinates": [box(-180, 80, 180, 90)]}),
        "ring": zone({"type": "Polygon", "coordinates": [box(0, 0, 10, 10), box(4, 4, 6, 6)]}),
        "comb": zone({"type": "Polygon", "coordinates": [_comb()]}),
        "disc": zone({"circle": {"center": [0, 0], "radius_m": 200}}),
        "world": zone({"type": "Polygon", "coordinates": [box(-180, -90, 180, 90)]}),
        "edge": zone({"type": "Polygon", "coordinates": [box(170, -10, 180, 10)]}),
        "stepped": zone({"type": "MultiPolygon", "coordinates": [[box(170, -9, 180, 9)], [box(-180, -9, -170, 5)]]}),
        "bow": zone({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}),
    }

    def ask(allow: list[str], deny: list[str], place: tuple[float, float], radius: float) -> JsonObject:
        latitude, longitude = place
        area = {"allow": allow, "deny": deny, "max_age": 60, "max_uncertainty_m": 1000}
        fix = {"latitude": latitude, "longitude": longitude, "uncertainty_m": radius}
        return {"zones": {name: zones[name] for name in sorted({*allow, *deny} & set(zones))}, "area": area, "fix": fix}

    def case(
        name: str,
        comment: str,
        allow: list[str],
        place: tuple[float, float],
        answer: str,
        deny: list[str] | None = None,
        radius: float = 10,
    ) -> JsonObject:
        return accepted(name, comment, ask(sorted(allow), deny or [], place, radius), answer=answer)

    missing, crossed = ask(["nowhere"], [], (0, 0), 10), ask(["bow"], [], (0, 0), 10)
    return [
        case("inside", "far from the border", ["square"], (48, 10), "in"),
        case("outside", "far from the border", ["square"], (50, 10), "out"),
        case("at the border", "1.1 m inside, radius 10 m", ["square"], (48, 10.999985), "uncertain"),
        case("at a precise border", "1.1 m inside, radius 0.5 m", ["square"], (48, 10.999985), "in", radius=0.5),
        case("imprecise position", "over max_uncertainty_m", ["square"], (48, 10), "uncertain", radius=1001),
        case("coarse border", "accuracy_m adds to the radius", ["coarse"], (48, 10.95), "uncertain"),
        case("straight edges", "48.999 is inside: an edge is no great circle", ["square"], (48.999, 10), "in"),
        case(
            "great circle", "49.001 is outside, though a great circle bulges over it", ["square"], (49.001, 10), "out"
        ),
        case("antimeridian", "the cut is no border", ["fiji"], (-17, 180), "in"),
        case("antimeridian, other sign", "the same place", ["fiji"], (-17, -180), "in"),
        case("east of the cut", "inside", ["fiji"], (-17, -179.9999), "in"),
        case("eastern border", "53 m outside, radius 100 m", ["fiji"], (-17, -177.9995), "uncertain", radius=100),
        case(
            "ends at the antimeridian",
            "what lies on one side only has a border there",
            ["edge"],
            (0, 179.99995),
            "uncertain",
        ),
        case("beyond that end", "5.6 m outside", ["edge"], (0, -179.99995), "uncertain"),
        case("a cut in part, where it is one", "the zone goes on", ["stepped"], (0, 179.99995), "in"),
        case("a cut in part, where it is none", "the zone does not go on", ["stepped"], (7, 179.99995), "uncertain"),
        case("pole", "inside", ["arctic"], (90, 0), "in"),
        case("over the pole", "inside", ["arctic"], (89.9, 123), "in"),
        case("hole", "outside", ["ring"], (5, 5), "out"),
        case("border of the hole", "uncertain", ["ring"], (5, 4.00005), "uncertain"),
        case("long edge", "995 m from an edge of 10 degrees, 21 km from many short ones", ["comb"], *COMB),
        case("disc", "111 m from the centre, of 200", ["disc"], (0, 0.001), "in"),
        case("edge of the disc", "200.4 m from the centre", ["disc"], (0, 0.0018), "uncertain"),
        case("whole Earth", "it has no border", ["world"], (12, 34), "in"),
        case("pole of the whole Earth", "it has no border", ["world"], (-90, 0), "in"),
        case("one of two", "in one is enough", ["disc", "square"], (48, 10), "in"),
        case("denied", "deny zones win", ["world"], (48, 10), "out", ["square"]),
        case("near a denied zone", "uncertain", ["world"], (48, 11.00005), "uncertain", ["square"]),
        case("only denied", "no allow is everywhere", [], (50, 10), "in", ["square"]),
        refused("zone that is not there", "the area names it", missing, "entitlement.zone"),
        refused("border crosses itself", "no area has it", crossed, "zone.geometry"),
        refused("latitude 91", "no such place", ask(["disc"], [], (91, 0), 10), "field.range"),
    ]


def quota_cases() -> list[JsonObject]:
    daily = {"id": "q", "uses": 3, "per": "P1D", "anchor": 1000}
    total = {"id": "q", "uses": 3, "anchor": 1000}

    def case(name: str, comment: str, quota: JsonObject, lower: int, used: int, *expected: Any) -> JsonObject:
        window, ends, answer = expected
        question = {"quota": quota, "lower": lower, "used": used}
        return accepted(name, comment, question, window=window, ends=ends, answer=answer)

    return [
        case("first second", "the anchor opens window 0", daily, 1000, 0, 0, 87_400, "left"),
        case("last second", "still window 0", daily, 87_399, 2, 0, 87_400, "left"),
        case("next window", "the end opens window 1", daily, 87_400, 0, 1, 173_800, "left"),
        case("before the anchor", "window 0 already", daily, 0, 0, 0, 87_400, "left"),
        case("spent", "three of three", daily, 1000, 3, 0, 87_400, "exhausted"),
        case("over-spent", "never left again", daily, 1000, 4, 0, 87_400, "exhausted"),
        case("total", "it never refills", total, 10**9, 3, 0, None, "exhausted"),
        case("none at all", "zero uses", total | {"uses": 0}, 1000, 0, 0, None, "exhausted"),
        case("mixed units", "P1DT2H3M4S is 93784 s", daily | {"per": "P1DT2H3M4S"}, 94_784, 0, 1, 188_568, "left"),
        refused("unit without a number", "P1D", {"quota": daily | {"per": "PD"}, "lower": 0, "used": 0}, "quota.per"),
        refused("no unit", "P1D", {"quota": daily | {"per": "P"}, "lower": 0, "used": 0}, "quota.per"),
        refused("T for nothing", "P1D", {"quota": daily | {"per": "P1DT"}, "lower": 0, "used": 0}, "quota.per"),
    ]


def pattern_cases() -> list[JsonObject]:
    def case(pattern: str, text: str, matches: bool, comment: str) -> JsonObject:
        return accepted(f"{pattern!r} on {text!r}", comment, {"pattern": pattern, "text": text}, matches=matches)

    def broken(pattern: str, comment: str) -> JsonObject:
        return refused(repr(pattern)[:40], comment, {"pattern": pattern, "text": ""}, "authority.pattern")

    return [
        case("", "", True, "nothing fits nothing"),
        case("", "a", False, "the whole text must fit"),
        case("a|b", "b", True, "an alternative"),
        case("ab|", "", True, "an empty alternative"),
        case("(a|b)*c", "abbac", True, "repeated group"),
        case("a{2}", "aaa", False, "exactly two"),
        case("a{2,}", "aaa", True, "two or more"),
        case("a{2,3}", "aaaa", False, "two or three"),
        case("a{0}", "", True, "none"),
        case("a?b+", "bb", True, "optional, and one or more"),
        case("(a*)*", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", False, "no backtracking"),
        case(".", "\n", False, "a dot is no line end"),
        case(".", "😀", True, "one code point"),
        case("^a$", "a", False, "^ and $ are characters: a pattern is anchored anyway"),
        case("^a$", "^a$", True, "^ and $ are characters"),
        case("[a-c]", "b", True, "a range"),
        case("[^a-c]", "b", False, "all but a range"),
        case("[-a]", "-", True, "a hyphen first"),
        case("[a-]", "-", True, "a hyphen last"),
        case("[\\]\\-]", "-", True, "escaped in a class"),
        case("[\\p{Lu}0-9]", "É", True, "a category in a class"),
        case("\\p{L}+", "Recht", True, "a category"),
        case("\\P{L}", "1", True, "all but a category"),
        case("\\n\\(\\.", "\n(.", True, "escapes"),
        broken("a**", "a quantity of a quantity"),
        broken("*", "a quantity of nothing"),
        broken("a{3,2}", "more than most"),
        broken("a{,2}", "no least number"),
        broken("a{x}", "no number"),
        broken("a{99999}", "too many"),
        broken("(a", "not closed"),
        broken("a)", "not opened"),
        broken("[a", "not closed"),
        broken("[]", "an empty class"),
        broken("[b-a]", "a range that runs backwards"),
        broken("[a-\\q]", "no such escape in a class"),
        broken("[[]", "an unescaped bracket in a class"),
        broken("]", "an unescaped bracket"),
        broken("\\d", "RFC 9485 has no \\d"),
        broken("\\$", "a dollar needs no escape, and has none"),
        broken("\\", "it breaks off"),
        broken("\\p{Lx}", "no such category"),
        broken("\\p{Lu", "not closed"),
        broken("\\pL", "no braces"),
        broken("(a{100}){100}", "too large"),
        broken("(" * 51 + ")" * 51, "nested over 50 levels"),
        broken("(?:a)", "RFC 9485 has plain groups only"),
    ]
