"""Writes observations in the forms in which receivers and recorders write them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from device_agent.location import Observation
from licensing_protocol.canonical import encode

KNOT_MPS = 1852 / 3600


def sentence(content: str) -> bytes:
    """Return an NMEA sentence with its checksum and end."""
    checksum = 0
    for character in content.encode():
        checksum ^= character
    return f"${content}*{checksum:02X}\r\n".encode()


def nmea(observation: Observation, *, hdop: float = 0.9, deviation_m: float | None = None) -> bytes:
    """Return the RMC, GGA, GSA and, where a standard deviation is given, GST sentences of one moment."""
    moment = datetime.fromtimestamp(observation.gnss_time or 0, UTC)
    time = f"{moment:%H%M%S}.{moment.microsecond // 10_000:02d}"
    north = _coordinate(observation.latitude, 2, "NS")
    east = _coordinate(observation.longitude, 3, "EW")
    speed = "" if observation.speed_mps is None else f"{observation.speed_mps / KNOT_MPS:.3f}"
    course = "" if observation.course_deg is None else f"{observation.course_deg:.2f}"
    sentences = [
        f"GNRMC,{time},A,{north},{east},{speed},{course},{moment:%d%m%y},,,A",
        f"GNGGA,{time},{north},{east},1,09,{hdop},35.0,M,44.0,M,,",
        f"GNGSA,A,3,05,07,13,14,15,20,28,30,,,,,1.8,{hdop},1.5",
    ]
    if deviation_m is not None:
        sentences.append(f"GNGST,{time},5.1,{deviation_m},{deviation_m},0.0,{deviation_m},{deviation_m},9.9")
    return b"".join(sentence(content) for content in sentences)


def tpv(observation: Observation) -> bytes:
    """Return gpsd's report of one moment."""
    moment = datetime.fromtimestamp(observation.gnss_time or 0, UTC)
    report = {
        "class": "TPV",
        "device": "/dev/ttyACM0",
        "mode": 3,
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "lat": observation.latitude,
        "lon": observation.longitude,
        "alt": 35.1,
        "eph": observation.uncertainty_m / 2,
        "track": observation.course_deg,
        "speed": observation.speed_mps,
    }
    return encode({name: value for name, value in report.items() if value is not None}) + b"\r\n"


def gpx(observations: Iterable[Observation]) -> bytes:
    """Return a GPX 1.1 document of one track."""
    points = "".join(
        f'   <trkpt lat="{one.latitude:.7f}" lon="{one.longitude:.7f}">'
        f"<time>{datetime.fromtimestamp(one.gnss_time or 0, UTC):%Y-%m-%dT%H:%M:%SZ}</time></trkpt>\n"
        for one in observations
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="tests" '
    name = 'xmlns="http://www.topografix.com/GPX/1/1">\n'
    return f"{head}{name} <trk><trkseg>\n{points} </trkseg></trk>\n</gpx>\n".encode()


def _coordinate(degrees: float, width: int, letters: str) -> str:
    whole, minutes = divmod(round(abs(degrees) * 60, 5), 60)
    return f"{int(whole):0{width}d}{minutes:08.5f},{letters[degrees < 0]}"
