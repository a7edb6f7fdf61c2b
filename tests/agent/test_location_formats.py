"""The forms of positions, NMEA 0183 and GPX: strictly read, or refused with a code; recordings; and their replay."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import pairwise
from math import nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_agent.errors import LocationError
from device_agent.location import Observation, Replay, gpsd, gpx, nmea, radius, sound
from device_agent.location.nmea import Receiver
from device_agent.location.nmea_sentence import parse
from tests.simulators.clock import SettableClock
from tests.tracks import forms

TRACKS = Path(__file__).parents[1] / "tracks"
GGA = "GPGGA,093000.00,4712.00000,N,00830.00000,E,1,09,0.9,35.0,M,44.0,M,,"
RMC = "GPRMC,093000.00,A,4712.00000,N,00830.00000,E,10.0,90.0,010326,,,A"


def heard(*contents: str) -> Observation | None:
    """Return what a receiver makes of sentences."""
    receiver = Receiver("nmea")
    for content in contents:
        receiver.hear(forms.sentence(content).rstrip())
    assert not receiver.refused
    return receiver.newest()


observations = st.builds(
    Observation,
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.just(0.0),
    speed_mps=st.floats(0, 300) | st.none(),
    course_deg=st.floats(0, 360) | st.none(),
    gnss_time=st.integers(1_600_000_000 * 100, 2_900_000_000 * 100).map(lambda hundredths: hundredths / 100),
)


@given(observations, st.floats(0.1, 500))
def test_what_is_written_in_nmea_is_read_back(observation: Observation, deviation: float) -> None:
    receiver = Receiver("nmea")
    for line in forms.nmea(observation, deviation_m=round(deviation, 2)).splitlines():
        receiver.hear(line)
    seen = receiver.newest()
    assert seen is not None
    assert (seen.latitude, seen.longitude) == pytest.approx((observation.latitude, observation.longitude), abs=2e-7)
    assert seen.uncertainty_m == pytest.approx(radius.from_deviations(round(deviation, 2), round(deviation, 2)))
    assert seen.gnss_time == pytest.approx(observation.gnss_time, abs=0.011)
    assert seen.speed_mps == pytest.approx(observation.speed_mps, abs=1e-3)
    assert seen.course_deg == pytest.approx(observation.course_deg, abs=1e-2)


@given(st.binary(max_size=200) | st.text("$*,.ABCGMNPRST0123456789-+ \r\n", max_size=120).map(str.encode))
def test_no_bytes_ever_break_the_reader_of_nmea(line: bytes) -> None:
    with contextlib.suppress(LocationError):
        parse(line)


@given(
    st.sampled_from(["GGA", "RMC", "GST", "GSA"]),
    st.lists(st.text("0123456789.NSEWAVKM-+e", max_size=12) | st.sampled_from([*GGA.split(","), "nan", "inf"])),
)
def test_whatever_a_sentence_says_a_position_is_one(kind: str, said: list[str]) -> None:
    receiver = Receiver("nmea")
    receiver.hear(forms.sentence(f"GP{kind},{','.join(said)}").rstrip())
    seen = receiver.newest()
    assert seen is None or sound(seen) is seen


@given(st.integers(0, 80), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    line = bytearray(forms.sentence(GGA).rstrip())
    line[place % (len(line) - 3)] ^= change
    receiver = Receiver("nmea")
    receiver.hear(bytes(line))
    assert receiver.newest() is None


def test_a_wrong_checksum_has_its_code() -> None:
    with pytest.raises(LocationError) as refused:
        parse(forms.sentence(GGA).rstrip().replace(b"4712", b"4713"))
    assert refused.value.code == "nmea.checksum"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("4712.00000", "4760.00000"),
        ("4712.00000", "9112.00000"),
        ("00830.00000", "18100.00000"),
        ("4712.00000,N", "4712.00000,X"),
        ("4712.00000,N", "4712.00000,"),
        ("4712.00000", "-4712.0000"),
        ("4712.00000", "nan"),
        ("093000.00", "253000.00"),
        ("093000.00", ""),
        (",0.9,", ",nan,"),
        (",0.9,", ",-1,"),
        (",0.9,", ",1e5,"),
        (",1,09,", ",x,09,"),
        (",09,0.9,35.0,M,44.0,M,,", ""),
        (",0.9,35.0,M,44.0,M,,", ""),
    ],
)
def test_a_sentence_out_of_form_is_refused(before: str, after: str) -> None:
    assert before in GGA
    with pytest.raises(LocationError) as refused:
        parse(forms.sentence(GGA.replace(before, after)).rstrip())
    assert refused.value.code == "nmea.malformed"


def test_other_sentences_are_passed_over() -> None:
    assert parse(forms.sentence("GPGSV,1,1,01,05,45,120,40").rstrip()) is None
    assert parse(b"!AIVDM,1,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0*23") is None


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        ([GGA], 0.9 * 15),
        ([GGA.replace(",1,09,", ",4,09,")], 0.9 * 3.75),
        ([RMC, "GPGSA,A,3,05,07,,,,,,,,,,,1.8,2.0,1.5"], 30.0),
        (["GPGSA,A,3,05,07,,,,,,,,,,,1.8,2.0,1.5", RMC], 30.0),
        ([GGA, "GPGST,093000.00,,,,,3.0,4.0,9.0"], 10.0),
        ([GGA, "GPGST,093000.00,,0.0,0.0,,0.0,0.0,9.0"], 0.9 * 15),
        ([GGA.replace(",1,09,", ",6,09,"), "GPGST,093000.00,,,,,30.0,40.0,9.0"], 100.0),
    ],
)
def test_the_radius_comes_from_the_receivers_own_error(sentences: list[str], expected: float) -> None:
    seen = heard(*sentences)
    assert seen is not None
    assert seen.uncertainty_m == pytest.approx(expected)


@pytest.mark.parametrize(
    "sentences",
    [
        [RMC],
        [RMC.replace(",A,", ",V,", 1), GGA],
        [GGA, RMC.replace(",A,", ",V,", 1)],
        [GGA.replace(",1,09,", ",0,00,")],
        [GGA.replace(",1,09,", ",7,09,")],
        [GGA.replace(",1,09,", ",8,09,")],
        [GGA.replace(",1,09,", ",6,09,")],
        [GGA, RMC.replace("010326,,,A", "010326,,,S")],
        [GGA.replace(",0.9,", ",99.99,")],
        [GGA, "GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99"],
        ["GPGGA,093000.00,,,,,1,00,0.9,,M,,M,,"],
        ["GPGST,093000.00,,,,,30.0,40.0,9.0", GGA.replace("093000", "093001").replace(",0.9,", ",,")],
    ],
)
def test_no_fix_no_error_or_no_satellites_is_no_position(sentences: list[str]) -> None:
    assert heard(*sentences) is None


def test_a_dilution_of_long_ago_says_nothing_of_now() -> None:
    moments = [RMC.replace("093000", f"0930{second:02d}") for second in range(3)]
    dilution = "GPGSA,A,3,05,07,,,,,,,,,,,1.8,2.0,1.5"
    assert heard(dilution, moments[0]) is not None
    assert heard(moments[0], dilution, moments[1]) is not None
    receiver = Receiver("nmea")
    for content in (moments[0], dilution, moments[1], moments[2]):
        receiver.hear(forms.sentence(content).rstrip())
    # The position that is given is the one before, whose error was known.
    assert receiver.newest() is not None
    assert receiver.newest() is None


@pytest.mark.parametrize("bad", [nan, 0.0, -1.0, 99.99, float("inf")])
def test_an_error_that_is_none_gives_no_radius(bad: float) -> None:
    with pytest.raises(LocationError):
        radius.from_dilution(bad, corrected=True)


@pytest.mark.parametrize("pair", [(nan, 1.0), (0.0, 0.0), (-1.0, 1.0), (float("inf"), 1.0)])
def test_deviations_that_are_none_give_no_radius(pair: tuple[float, float]) -> None:
    with pytest.raises(LocationError):
        radius.from_deviations(*pair)


def test_one_drive_in_three_forms_is_one_drive() -> None:
    by_nmea = nmea.recorded(TRACKS / "drive.nmea")
    by_gpx = gpx.load(TRACKS / "drive.gpx", uncertainty_m=9.6)
    reports = (TRACKS / "drive.jsonl").read_bytes().splitlines()
    by_gpsd = [gpsd.parse_position(gpsd.decode_report(line)) for line in reports]
    assert len(by_nmea) == len(by_gpx) == len(by_gpsd) == 120
    for one, other, third in zip(by_nmea, by_gpx, by_gpsd, strict=True):
        assert third is not None
        assert one.gnss_time == other.gnss_time == third.gnss_time
        assert one.latitude == pytest.approx(third.latitude, abs=1e-6)
        assert other.longitude == pytest.approx(third.longitude, abs=1e-6)
        assert (one.uncertainty_m, other.uncertainty_m, third.uncertainty_m) == pytest.approx((9.6,) * 3, abs=0.02)
        assert one.speed_mps == pytest.approx(third.speed_mps, abs=1e-3)


def test_a_recording_has_a_bound(tmp_path: Path) -> None:
    with (tmp_path / "long").open("wb") as file:
        file.truncate(nmea.MAX_RECORDING_BYTES + 1)
    with pytest.raises(LocationError) as refused:
        nmea.recorded(tmp_path / "long")
    assert refused.value.code == "location.oversized"


def gpx_with(points: str, head: str = "") -> bytes:
    name = 'xmlns="http://www.topografix.com/GPX/1/1"'
    return f'{head}<gpx version="1.1" {name}><trk><trkseg>{points}</trkseg></trk></gpx>'.encode()


POINT = '<trkpt lat="47.2" lon="8.5"><time>2026-03-01T09:30:00Z</time></trkpt>'
ENTITY = '<!DOCTYPE gpx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (gpx_with(POINT, ENTITY), "gpx.refused"),
        (gpx_with(POINT, '<!doctype gpx SYSTEM "file:///etc/passwd">'), "gpx.refused"),
        (gpx_with(POINT, '<?xml version="1.0" encoding="UTF-7"?>'), "gpx.refused"),
        (gpx_with(POINT + "<!-- " + " xmlns" * 100 + " -->"), "gpx.refused"),
        (gpx_with(POINT).decode().encode("utf-16"), "gpx.malformed"),
        (gpx_with(POINT)[:-3], "gpx.malformed"),
        (gpx_with(POINT.replace("47.2", "97.2")), "gpx.malformed"),
        (gpx_with(POINT.replace("47.2", "nan")), "gpx.malformed"),
        (gpx_with(POINT.replace("2026-03-01T09:30:00Z", "noon")), "gpx.malformed"),
        (b"<html/>", "gpx.malformed"),
        (b"", "gpx.malformed"),
        (b" " * (gpx.MAX_BYTES + 1), "location.oversized"),
    ],
)
def test_what_is_no_gpx_is_refused(document: bytes, code: str) -> None:
    with pytest.raises(LocationError) as refused:
        gpx.parse(document, 10.0)
    assert refused.value.code == code


def test_a_point_with_a_dilution_has_its_own_radius_and_one_without_a_time_is_no_position() -> None:
    untimed = '<trkpt lat="47.2" lon="8.5"></trkpt>'
    with_dilution = POINT.replace("</trkpt>", "<hdop>2.0</hdop></trkpt>")
    seen = gpx.parse(gpx_with(untimed + POINT + with_dilution, '<?xml version="1.0" encoding="UTF-8"?>'), 12.0)
    assert [observation.uncertainty_m for observation in seen] == [12.0, 30.0]


def test_a_replay_plays_at_the_pace_of_the_recording() -> None:
    clock = SettableClock()
    track = gpx.load(TRACKS / "drive.gpx", uncertainty_m=9.6)
    replay = Replay(track, clock)
    assert replay.read() == replace(track[0], gnss_time=None)
    assert replay.read() is None
    clock.pass_time(10)
    assert replay.read() == replace(track[10], gnss_time=None)
    clock.pass_time(1000)
    assert replay.read() == replace(track[-1], gnss_time=None)
    assert replay.read() is None


def test_a_replay_needs_times_in_their_order() -> None:
    track = gpx.load(TRACKS / "drive.gpx", uncertainty_m=9.6)
    assert all(sooner.gnss_time != later.gnss_time for sooner, later in pairwise(track))
    for wrong in ([], track[::-1], [replace(track[0], gnss_time=None)]):
        with pytest.raises(LocationError):
            Replay(wrong, SettableClock())
