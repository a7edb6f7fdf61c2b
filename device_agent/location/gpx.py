"""Tracks in GPX, for replay: bounded, and without anything that an XML parser could be made to expand or fetch."""

from __future__ import annotations

import re
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

from device_agent.errors import LocationError
from device_agent.location import radius
from device_agent.location.observation import Observation
from licensing_protocol.errors import Unavailable

try:
    import gpxpy
except ImportError as error:
    raise Unavailable("Reading GPX needs the extra interlock[nmea].", code="gpx.unavailable") from error

if TYPE_CHECKING:
    from gpxpy.gpx import GPXTrackPoint

MAX_BYTES: Final = 8 * 1024 * 1024
_SOURCE: Final = "gpx"
# The parser looks for namespaces by a search whose time grows with the square of their number.
_MAX_NAMESPACES: Final = 32
_DECLARATION: Final = re.compile(r"<!DOCTYPE|<!ENTITY", re.IGNORECASE)
# Bytes that were read as UTF-8 must not be read as something else by the next who reads them.
_ENCODING: Final = re.compile(r"""<\?xml[^>]*?encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)


def load(path: Path, uncertainty_m: float) -> tuple[Observation, ...]:
    """Return the points of a file's tracks, as :func:`parse`.

    Raises:
        LocationError: as :func:`parse`.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return parse(file.read(MAX_BYTES + 1), uncertainty_m)


def parse(document: bytes, uncertainty_m: float) -> tuple[Observation, ...]:
    """Return the timed points of all tracks in the order of the document.

    GPX states no error in metres: ``uncertainty_m``, a 95 % radius, is taken where a point has no ``hdop``.

    Raises:
        LocationError: ``location.oversized`` over 8 MiB; ``gpx.refused`` for a document type, an entity or a foreign
            encoding; ``gpx.malformed`` for what is no GPX, a point out of range, or no timed point at all.
    """
    if len(document) > MAX_BYTES:
        raise LocationError("A GPX document has at most 8 MiB.", code="location.oversized")
    text = _text(document)
    try:
        tracks = gpxpy.parse(text).tracks
        points = [point for track in tracks for segment in track.segments for point in segment.points]
        observations = [_observation(point, uncertainty_m) for point in points if point.time is not None]
    except LocationError:
        raise
    # The parser and what lies below it promise no error types of their own.
    except Exception as error:
        raise _malformed() from error
    if not observations or not all(observation.in_range for observation in observations):
        raise _malformed()
    return tuple(observations)


def _text(document: bytes) -> str:
    try:
        text = document.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _malformed() from error
    if _DECLARATION.search(text) or _ENCODING.match(text) or text.count("xmlns") > _MAX_NAMESPACES:
        raise LocationError("A GPX document has no document type, no entities, and is UTF-8.", code="gpx.refused")
    return text


def _observation(point: GPXTrackPoint, uncertainty_m: float) -> Observation:
    hdop = point.horizontal_dilution
    return Observation(
        float(point.latitude),
        float(point.longitude),
        radius.from_dilution(hdop, corrected=False) if hdop is not None else uncertainty_m,
        speed_mps=point.speed,
        course_deg=point.course,
        gnss_time=None if point.time is None else point.time.replace(tzinfo=point.time.tzinfo or UTC).timestamp(),
        source=_SOURCE,
    )


def _malformed() -> LocationError:
    return LocationError("This is no GPX document with points on the Earth.", code="gpx.malformed")
