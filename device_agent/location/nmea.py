"""NMEA 0183 as receivers speak it, over a serial line, a named pipe or TCP; and recordings of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from device_agent.errors import LocationError
from device_agent.location import radius
from device_agent.location.lines import Lines, device, tcp
from device_agent.location.observation import Observation
from device_agent.location.source import LocationSource
from licensing_protocol.errors import Unavailable

try:
    from device_agent.location import nmea_sentence
except ImportError as error:
    raise Unavailable("Reading NMEA needs the extra interlock[nmea].", code="nmea.unavailable") from error

if TYPE_CHECKING:
    from device_agent.location.nmea_sentence import Sentence

MAX_RECORDING_BYTES: Final = 32 * 1024 * 1024
# A GSA may come before or after the timed sentences of its moment.
_DILUTION_LASTS: Final = 1


class NmeaSource(LocationSource):
    """A receiver that speaks NMEA. ``refused`` counts by code the lines that were none."""

    def __init__(self, lines: Lines, name: str) -> None:
        self._lines = lines
        self._receiver = Receiver(name)

    @classmethod
    def tcp(cls, host: str, port: int) -> NmeaSource:
        """Read from a TCP server; the port is often 10110."""
        return cls(Lines(tcp(host, port), nmea_sentence.MAX_BYTES), "nmea")

    @classmethod
    def device(cls, path: Path) -> NmeaSource:
        """Read from a serial line or a named pipe; LocationError for an ordinary file."""
        return cls(Lines(device(path), nmea_sentence.MAX_BYTES), "nmea")

    @property
    def refused(self) -> Counter[str]:
        """How many lines or connections were refused, by code."""
        return self._lines.refused + self._receiver.refused

    def read(self) -> Observation | None:
        """Return the newest position that has arrived, each only once."""
        for line in self._lines.arrived():
            self._receiver.hear(line)
        return self._receiver.newest()

    def close(self) -> None:
        """Let go of the receiver."""
        self._lines.close()


class Receiver:
    """Puts together what the sentences of one moment say. Pure: no input or output of its own."""

    def __init__(self, name: str) -> None:
        self.refused: Counter[str] = Counter()
        self._name = name
        self._moment = nmea_sentence.Sentence()
        self._dilution: float | None = None
        self._dilution_age = 0
        self._waiting: Observation | None = None
        self._given: Sentence | None = None

    def hear(self, line: bytes) -> bool:
        """Take one line, and tell whether it began another moment; a line that is none is counted."""
        try:
            sentence = nmea_sentence.parse(line)
        except LocationError as error:
            self.refused[error.code] += 1
            return False
        return sentence is not None and self._take(sentence)

    def newest(self) -> Observation | None:
        """Return the newest position, each moment only once."""
        waiting, self._waiting = self._waiting, None
        newest = None if self._is_given else self._observation()
        if newest is not None:
            self._given = self._moment
        return newest or waiting

    def ended(self) -> Observation | None:
        """Return the position of the moment that the newest sentence ended, once."""
        waiting, self._waiting = self._waiting, None
        return waiting

    @property
    def _is_given(self) -> bool:
        return self._given is not None and self._given.time == self._moment.time

    def _take(self, sentence: Sentence) -> bool:
        begins = sentence.time is not None and sentence.time != self._moment.time
        if begins:
            self._waiting = None if self._is_given else self._observation()
            self._moment, self._given = nmea_sentence.Sentence(), None
            self._dilution_age += 1
        self._moment = self._moment.and_then(sentence)
        if sentence.hdop is not None:
            self._dilution, self._dilution_age = sentence.hdop, 0
        return begins

    def _observation(self) -> Observation | None:
        moment, uncertainty = self._moment, self._uncertainty()
        if not moment.is_position or uncertainty is None or moment.latitude is None or moment.longitude is None:
            return None
        observation = Observation(
            moment.latitude,
            moment.longitude,
            uncertainty,
            speed_mps=moment.speed_mps,
            course_deg=moment.course_deg,
            gnss_time=_instant(moment),
            source=self._name,
        )
        if not observation.in_range:
            self.refused["nmea.range"] += 1
            return None
        return observation

    def _uncertainty(self) -> float | None:
        if self._moment.radius_m is not None:
            return self._moment.radius_m
        if self._moment.is_reckoned or self._dilution is None or self._dilution_age > _DILUTION_LASTS:
            return None
        try:
            return radius.from_dilution(self._dilution, corrected=bool(self._moment.is_corrected))
        except LocationError:
            return None


def recorded(path: Path) -> tuple[Observation, ...]:
    """Return the positions of a recording, oldest first; lines that are none are passed over.

    Raises:
        LocationError: ``location.oversized`` over 32 MiB.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MAX_RECORDING_BYTES + 1)
    if len(content) > MAX_RECORDING_BYTES:
        raise LocationError("A recording has at most 32 MiB.", code="location.oversized")
    return tuple(_observations(content.splitlines()))


def _observations(lines: Iterable[bytes]) -> Iterable[Observation]:
    receiver = Receiver("nmea")
    for line in lines:
        if receiver.hear(line):
            observation = receiver.ended()
            if observation is not None:
                yield observation
    last = receiver.newest()
    if last is not None:
        yield last


def _instant(moment: Sentence) -> float | None:
    if moment.date is None or moment.time is None:
        return None
    return datetime.combine(moment.date, moment.time, UTC).timestamp()
