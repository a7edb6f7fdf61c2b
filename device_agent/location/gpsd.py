"""Positions from gpsd's JSON protocol: the reports of class TPV."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from device_agent.errors import LocationError
from device_agent.location import radius
from device_agent.location.lines import Lines, tcp
from device_agent.location.observation import Observation
from device_agent.location.source import LocationSource
from licensing_protocol.canonical import JsonObject, decode_object
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields

HOST: Final = "127.0.0.1"
PORT: Final = 2947
WATCH: Final = b'?WATCH={"enable":true,"json":true}\n'
# The longest response that gpsd's own clients are made for.
MAX_BYTES: Final = 10_240
_WITH_POSITION: Final = frozenset({2, 3})
_SIMULATED: Final = 8
_FASTEST_MPS: Final = 100_000
_HALF_THE_EARTH_M: Final = 20_038_000


class GpsdSource(LocationSource):
    """The position of a gpsd. ``refused`` counts by code the lines that were none of its reports."""

    def __init__(self, host: str = HOST, port: int = PORT) -> None:
        self._lines = Lines(tcp(host, port, WATCH), MAX_BYTES)
        self._refused: Counter[str] = Counter()

    @property
    def refused(self) -> Counter[str]:
        """How many lines or connections were refused, by code."""
        return self._lines.refused + self._refused

    def read(self) -> Observation | None:
        """Return the position of the newest report that has arrived since, if there is one and it has one."""
        newest: Observation | None = None
        for line in self._lines.arrived():
            try:
                report = decode_report(line)
                if report["class"] == "TPV":
                    newest = parse_position(report)
            except LocationError as error:
                self._refused[error.code] += 1
        return newest

    def close(self) -> None:
        """Let go of the connection."""
        self._lines.close()


def decode_report(line: bytes) -> JsonObject:
    """Decode one line of gpsd's into an object with a ``class``.

    Raises:
        LocationError: ``gpsd.malformed``; ``gpsd.error`` where gpsd reports one.
    """
    try:
        report = decode_object(line)
        name = Fields(report, "report").text("class")
    except MalformedDocument as error:
        raise LocationError(f"Not a report of gpsd: {error}", code="gpsd.malformed") from error
    if name == "ERROR":
        raise LocationError("gpsd reports an error.", code="gpsd.error")
    return report


def parse_position(report: JsonObject) -> Observation | None:
    """Read a report of class TPV; ``None`` where it has no position, no error of it, or one that was simulated.

    Raises:
        LocationError: ``gpsd.malformed``.
    """
    try:
        return _observation(Fields(report, "TPV"))
    except (MalformedDocument, OverflowError, ValueError) as error:
        raise LocationError(f"Not a position of gpsd's: {error}", code="gpsd.malformed") from error


def _observation(fields: Fields) -> Observation | None:
    mode, status = fields.integer("mode"), fields.optional("status", fields.integer)
    latitude = fields.optional("lat", lambda name: fields.number(name, least=-90, most=90))
    longitude = fields.optional("lon", lambda name: fields.number(name, least=-180, most=180))
    uncertainty = _uncertainty(fields)
    observation_time = fields.optional("time", lambda name: _instant(fields.text(name)))
    speed = fields.optional("speed", lambda name: fields.number(name, least=0, most=_FASTEST_MPS))
    course = fields.optional("track", lambda name: fields.number(name, least=0, most=360))
    device = fields.optional("device", fields.text) or ""
    if mode not in _WITH_POSITION or status == _SIMULATED:
        return None
    if latitude is None or longitude is None or uncertainty is None:
        return None
    return Observation(latitude, longitude, uncertainty, speed, course, observation_time, f"gpsd {device}".strip())


def _uncertainty(fields: Fields) -> float | None:
    def metres(name: str) -> float | None:
        return fields.optional(name, lambda name: fields.number(name, least=0, most=_HALF_THE_EARTH_M))

    horizontal, east, north = metres("eph"), metres("epx"), metres("epy")
    if horizontal:
        return radius.from_estimate(horizontal)
    return radius.from_deviations(east, north) if east and north else None


def _instant(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() != timedelta(0):
        raise MalformedDocument("TPV.time must be UTC.", code="field.range")
    return moment.timestamp()
