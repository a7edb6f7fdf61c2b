"""One NMEA 0183 sentence, read strictly: GGA, RMC, GST and GSA say all that a position needs.

pynmeagps splits fields and knows their order; it is generous, so the grammar is held against the bytes beforehand and
every number against its range afterwards. Imported only where NMEA is read: it needs pynmeagps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, time
from typing import Any, Final

from pynmeagps import NMEAReader
from pynmeagps.exceptions import (
    NMEAMessageError,
    NMEAParseError,
    NMEAStreamError,
    NMEATypeError,
)

from device_agent.errors import LocationError
from device_agent.location import radius

# Longer than the standard's 82, because receivers with many decimals are.
MAX_BYTES: Final = 128
_KNOT_MPS: Final = 1852 / 3600
_READ: Final = re.compile(rb"\$[A-Z]{2}(GGA|RMC|GST|GSA),")
_SENTENCE: Final = re.compile(rb"\$[A-Z]{5}(,[0-9A-Za-z.+-]*)+\*[0-9A-Fa-f]{2}")
_TIME: Final = re.compile(r"([01]\d|2[0-3])[0-5]\d[0-5]\d(\.\d{1,6})?")
_LATITUDE: Final = re.compile(r"\d{2}[0-5]\d\.\d+")
_LONGITUDE: Final = re.compile(r"\d{3}[0-5]\d\.\d+")
_NUMBER: Final = re.compile(r"\d+(\.\d*)?|\.\d+")
# GGA quality: 0 none, 2 to 5 with corrections, 6 reckoned, 7 typed in, 8 simulated.
_NO_QUALITY: Final = frozenset({0, 7, 8})
_CORRECTED: Final = frozenset({2, 3, 4, 5})
_RECKONED: Final = 6
# RMC mode: none, typed in, simulated.
_NO_MODE: Final = frozenset({"N", "M", "S"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one sentence, or the sentences of one moment together, say; ``None`` is nothing.

    ``time`` is the UTC time of day. ``radius_m`` is the 95 % radius. ``is_reckoned``: the position was carried on
    from an older one, so that the geometry of the satellites says nothing of its error.
    """

    time: time | None = None
    date: date | None = None
    is_position: bool | None = None
    latitude: float | None = None
    longitude: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    radius_m: float | None = None
    hdop: float | None = None
    is_corrected: bool | None = None
    is_reckoned: bool | None = None

    def and_then(self, later: Sentence) -> Sentence:
        """Return what both say together. The later one is believed, but "no position" is final."""
        said = {name: _later(getattr(self, name), getattr(later, name)) for name in _NAMES}
        if self.is_position is False:
            said["is_position"] = False
        return Sentence(**said)


_NAMES: Final = tuple(field.name for field in fields(Sentence))


def parse(line: bytes) -> Sentence | None:
    """Read one line without its end; ``None`` where it is a sentence of another kind.

    Raises:
        LocationError: ``nmea.malformed``, ``nmea.checksum``.
    """
    kind = _READ.match(line)
    if kind is None and line.startswith((b"$", b"!")):
        return None
    if kind is None or not _SENTENCE.fullmatch(line):
        raise _malformed()
    try:
        message = NMEAReader.parse(line)
    except NMEAParseError as error:
        raise LocationError("The checksum of an NMEA sentence is wrong.", code="nmea.checksum") from error
    except (NMEAMessageError, NMEAStreamError, NMEATypeError) as error:
        raise _malformed() from error
    read, fewest = _READERS[kind[1]]
    if len(message.payload) < fewest:
        raise _malformed()
    return read(message)


def _gga(message: Any) -> Sentence:
    quality = message.quality or 0
    latitude, longitude = _position(message, 1)
    return Sentence(
        time=_time(message),
        is_position=quality not in _NO_QUALITY and latitude is not None and longitude is not None,
        latitude=latitude,
        longitude=longitude,
        hdop=_number(message, 7),
        is_corrected=quality in _CORRECTED,
        is_reckoned=quality == _RECKONED,
    )


def _rmc(message: Any) -> Sentence:
    latitude, longitude = _position(message, 2)
    is_valid = message.payload[1] == "A" and getattr(message, "posMode", "") not in _NO_MODE
    speed = _number(message, 6)
    return Sentence(
        time=_time(message),
        date=message.date or None,
        is_position=is_valid and latitude is not None and longitude is not None,
        latitude=latitude,
        longitude=longitude,
        speed_mps=None if speed is None else speed * _KNOT_MPS,
        course_deg=_number(message, 7),
        is_reckoned=True if getattr(message, "posMode", "") == "E" else None,
    )


def _gst(message: Any) -> Sentence:
    major, minor = _number(message, 2), _number(message, 3)
    north, east = _number(message, 5), _number(message, 6)
    pairs = [(one, other) for one, other in ((major, minor), (north, east)) if one is not None and other is not None]
    # Zero is what receivers write that do not know.
    radii = [radius.from_deviations(one, other) for one, other in pairs if one or other]
    return Sentence(time=_time(message), radius_m=max(radii, default=None))


def _gsa(message: Any) -> Sentence:
    return Sentence(is_position=None if message.navMode in {2, 3} else False, hdop=_number(message, 15))


# Each with the number of fields that it cannot do without; later versions of the standard added some at the end.
_READERS: Final[Mapping[bytes, tuple[Callable[[Any], Sentence], int]]] = {
    b"GGA": (_gga, 8),
    b"RMC": (_rmc, 9),
    b"GST": (_gst, 7),
    b"GSA": (_gsa, 16),
}


def _time(message: Any) -> time:
    if not _TIME.fullmatch(message.payload[0]):
        raise _malformed()
    moment: time = message.time
    return moment


def _position(message: Any, first: int) -> tuple[float | None, float | None]:
    north, hemisphere, east, side = message.payload[first : first + 4]
    if not (north or east):
        return None, None
    if not (_LATITUDE.fullmatch(north) and _LONGITUDE.fullmatch(east) and hemisphere in "NS" and side in "EW"):
        raise _malformed()
    if not (hemisphere and side and abs(message.lat) <= 90 and abs(message.lon) <= 180):
        raise _malformed()
    return message.lat, message.lon


def _number(message: Any, index: int) -> float | None:
    text = message.payload[index]
    if text and not _NUMBER.fullmatch(text):
        raise _malformed()
    return float(text) if text else None


def _later(before: Any, after: Any) -> Any:
    return before if after is None else after


def _malformed() -> LocationError:
    return LocationError("An NMEA sentence has the form that NMEA 0183 gives it.", code="nmea.malformed")
