"""Receivers over real sockets and pipes: what they say becomes positions, and what they garble becomes none."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from device_agent.errors import LocationError
from device_agent.location import Observation
from device_agent.location.gpsd import WATCH, GpsdSource
from device_agent.location.lines import Lines, tcp
from device_agent.location.nmea import NmeaSource
from tests.simulators.receiver import ReceiverSimulator, eventually, position, receiver
from tests.tracks import forms

HERE = Observation(
    48.85661, 2.35222, 10.0, speed_mps=12.5, course_deg=90.0, gnss_time=1_772_357_400.0, source="gpsd /dev/ttyACM0"
)
LATER = replace(HERE, longitude=2.3524, gnss_time=1_772_357_401.0)


@pytest.fixture
def simulator() -> Iterator[ReceiverSimulator]:
    with receiver() as running:
        yield running


@pytest.fixture
def gpsd(simulator: ReceiverSimulator) -> Iterator[GpsdSource]:
    source = GpsdSource(port=simulator.port)
    assert source.read() is None
    simulator.accept()
    yield source
    source.close()


@pytest.fixture
def nmea(simulator: ReceiverSimulator) -> Iterator[NmeaSource]:
    source = NmeaSource.tcp("127.0.0.1", simulator.port)
    assert source.read() is None
    simulator.accept()
    yield source
    source.close()


def test_gpsd_is_asked_to_report_and_its_report_is_a_position(simulator: ReceiverSimulator, gpsd: GpsdSource) -> None:
    assert simulator.hear(len(WATCH)) == WATCH
    simulator.say(b'{"class":"VERSION","release":"3.25","proto_major":3,"proto_minor":15}\r\n')
    simulator.say(forms.tpv(HERE))
    assert position(gpsd) == HERE
    assert gpsd.read() is None
    assert not gpsd.refused


def test_of_several_reports_the_newest_counts(simulator: ReceiverSimulator, gpsd: GpsdSource) -> None:
    simulator.say(forms.tpv(HERE) + forms.tpv(LATER))
    assert position(gpsd) == LATER


@pytest.mark.parametrize(
    "line",
    [
        b'{"class":"TPV","mode":3,"lat":NaN,"lon":2.0,"eph":5.0}',
        b'{"class":"TPV","mode":3,"lat":90.5,"lon":2.0,"eph":5.0}',
        b'{"class":"TPV","mode":3,"lat":48.0,"lat":49.0,"lon":2.0,"eph":5.0}',
        b'{"class":"TPV","mode":"3","lat":48.0,"lon":2.0,"eph":5.0}',
        b'{"class":"TPV","mode":3,"time":"noon","lat":48.0,"lon":2.0,"eph":5.0}',
        b'{"class":"TPV","mode":3,"time":"2026-03-01T09:30:00","lat":48.0,"lon":2.0,"eph":5.0}',
        b'{"class":"TPV"',
        b'{"lat":48.0}',
        b"[]",
        b"\xff\xfe",
    ],
)
def test_what_gpsd_garbles_is_counted_and_is_no_position(
    simulator: ReceiverSimulator, gpsd: GpsdSource, line: bytes
) -> None:
    simulator.say(line + b"\r\n" + b'{"class":"ERROR","message":"what?"}\r\n')
    assert eventually(lambda: gpsd.read() or gpsd.refused["gpsd.error"]) == 1
    assert gpsd.refused["gpsd.malformed"] == 1


@pytest.mark.parametrize(
    "line",
    [
        b'{"class":"TPV","mode":1}',
        b'{"class":"TPV","mode":3,"lat":48.0,"lon":2.0}',
        b'{"class":"TPV","mode":3,"lat":48.0,"lon":2.0,"eph":0}',
        b'{"class":"TPV","mode":3,"status":8,"lat":48.0,"lon":2.0,"eph":5.0}',
    ],
)
def test_without_a_fix_or_its_error_or_in_a_simulation_there_is_no_position(
    simulator: ReceiverSimulator, gpsd: GpsdSource, line: bytes
) -> None:
    simulator.say(forms.tpv(HERE) + line + b'\r\n{"class":"ERROR","message":"end"}\r\n')
    assert eventually(lambda: gpsd.read() or gpsd.refused["gpsd.error"]) == 1
    assert gpsd.refused == {"gpsd.error": 1}


def test_errors_by_axis_make_a_circle(simulator: ReceiverSimulator, gpsd: GpsdSource) -> None:
    simulator.say(b'{"class":"TPV","mode":2,"lat":48.0,"lon":2.0,"epx":3.0,"epy":4.0}\n')
    assert position(gpsd) == Observation(48.0, 2.0, 10.0, source="gpsd")


def test_a_receiver_that_comes_back_is_heard_again(simulator: ReceiverSimulator, gpsd: GpsdSource) -> None:
    simulator.say(forms.tpv(HERE)[:40])
    simulator.drop()
    eventually(lambda: gpsd.read() or gpsd.refused["stream.unreachable"])
    for _ in range(3):
        # It pauses for a read or two before it connects again.
        assert gpsd.read() is None
    simulator.accept()
    simulator.say(forms.tpv(LATER))
    assert position(gpsd) == LATER
    assert not gpsd.refused["gpsd.malformed"]


def test_nobody_there_is_no_position_and_is_asked_more_and_more_rarely() -> None:
    with receiver() as gone:
        port = gone.port
    source = GpsdSource(port=port)
    assert [source.read() for _ in range(100)] == [None] * 100
    assert source.refused["stream.unreachable"] == 7


def test_nmea_sentences_of_one_moment_make_one_position(simulator: ReceiverSimulator, nmea: NmeaSource) -> None:
    simulator.say(forms.nmea(HERE, deviation_m=2.5))
    seen = position(nmea)
    assert (seen.latitude, seen.longitude) == pytest.approx((HERE.latitude, HERE.longitude), abs=1e-7)
    assert seen.uncertainty_m == pytest.approx(2 * 2.5 * 2**0.5)
    assert (seen.speed_mps, seen.course_deg) == pytest.approx((12.5, 90.0), abs=1e-3)
    assert seen.gnss_time == HERE.gnss_time
    assert nmea.read() is None


def test_a_moment_that_is_whole_is_not_waited_with(simulator: ReceiverSimulator, nmea: NmeaSource) -> None:
    first, second = forms.nmea(HERE), forms.nmea(LATER)
    simulator.say(first + second[:30])
    assert position(nmea).gnss_time == HERE.gnss_time
    simulator.say(second[30:])
    assert position(nmea).gnss_time == LATER.gnss_time


def test_a_line_without_end_is_dropped_and_what_follows_is_read(simulator: ReceiverSimulator, nmea: NmeaSource) -> None:
    simulator.say(b"$GNRMC," + b"1" * 5000)
    simulator.say(b"1" * 500 + b"\r\n" + forms.nmea(HERE))
    assert position(nmea).gnss_time == HERE.gnss_time
    assert nmea.refused == {"line.oversized": 1}


def test_a_flood_is_not_read_to_its_end(simulator: ReceiverSimulator) -> None:
    lines = Lines(tcp("127.0.0.1", simulator.port), 100)
    assert lines.arrived() == []
    simulator.accept()
    flood = threading.Thread(target=say_for_ever, args=(simulator,))
    flood.start()
    eventually(lambda: lines.refused["stream.flooded"] if lines.arrived() is not None else None)
    lines.close()
    flood.join()


def say_for_ever(simulator: ReceiverSimulator) -> None:
    """Talk until the other side has had enough."""
    with contextlib.suppress(OSError):
        while True:
            simulator.say(b"$GPGGA,\n" * 8192)


def test_a_named_pipe_is_a_receiver_too_and_its_writer_may_come_and_go(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ttyGNSS")
    source = NmeaSource.device(tmp_path / "ttyGNSS")
    assert source.read() is None
    # Open for reading too, so that opening it waits for nobody.
    with (tmp_path / "ttyGNSS").open("r+b", buffering=0) as pipe:
        pipe.write(forms.nmea(HERE))
        assert position(source).gnss_time == HERE.gnss_time
    assert source.read() is None
    source.close()


def test_a_receiver_unplugged_is_no_position(tmp_path: Path) -> None:
    assert NmeaSource.device(tmp_path / "ttyGNSS").read() is None


def test_a_recording_is_not_taken_for_a_receiver(tmp_path: Path) -> None:
    (tmp_path / "drive.nmea").write_bytes(forms.nmea(HERE))
    with pytest.raises(LocationError) as refused:
        NmeaSource.device(tmp_path / "drive.nmea")
    assert refused.value.code == "location.recording"


def test_parent_and_child_do_not_share_a_stream(simulator: ReceiverSimulator, gpsd: GpsdSource) -> None:
    simulator.say(forms.tpv(HERE))
    assert position(gpsd) == HERE
    child = os.fork()
    if child == 0:
        # Whatever arrives on the parent's connection is not for the child, which opens its own.
        gpsd.read()
        os._exit(0 if gpsd.read() is None else 1)
    os.waitpid(child, 0)
    simulator.say(forms.tpv(LATER))
    assert position(gpsd) == LATER
