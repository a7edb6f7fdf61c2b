"""The wall clock as a witness: it is heard until it contradicts itself (protocol §5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from device_agent.clock import Reading
from licensing_protocol.canonical import JsonObject
from licensing_protocol.journal import EventType

MOST_BEHIND_S: Final = 300
MOST_STEP_S: Final = 60


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What the journal is told of a clock."""

    type: EventType
    data: JsonObject


@dataclass(frozen=True, slots=True)
class WallClock:
    """What is known of the wall clock, in seconds.

    ``least`` and ``most`` enclose all offsets against BOOTTIME seen since it was last set; ``lost`` says that it is not
    believed until a receipt for evidence of this boot; ``granted`` is the latest reading that granted a schedule.
    ``epoch`` counts the moments at which all this began anew.
    """

    least: int
    most: int
    lost: bool = False
    granted: int | None = None
    epoch: int = 0

    @classmethod
    def first(cls, reading: Reading) -> WallClock:
        """Begin with the very first reading of a new store."""
        offset = _offset(reading)
        return cls(offset, offset)

    def begin_boot(self, reading: Reading, mark: int) -> tuple[WallClock, list[Anomaly]]:
        """Hold the first reading of a boot against the time ``mark`` that the store kept.

        A wall clock that had lost its standing does not regain it by a restart.
        """
        offset = _offset(reading)
        begun = replace(self, least=offset, most=offset, epoch=self.epoch + 1)
        behind = mark - int(reading.wall)
        if behind > MOST_BEHIND_S:
            return replace(begun, lost=True), [_rolled_back("boot", behind)]
        return begun._hold_against_granted(reading)

    def observe(self, reading: Reading) -> tuple[WallClock, list[Anomaly]]:
        """Hold one more reading of the same boot against the earlier ones."""
        offset = _offset(reading)
        least, most = min(self.least, offset), max(self.most, offset)
        if most - least > MOST_STEP_S:
            step = offset - (self.least if offset > self.most else self.most)
            lost = replace(self, least=offset, most=offset, lost=True, epoch=self.epoch + 1)
            return lost, [Anomaly(EventType.CLOCK_JUMPED, {"seconds": step})]
        return replace(self, least=least, most=most)._hold_against_granted(reading)

    def go_on(self, reading: Reading, mark: int, seconds: int) -> tuple[WallClock, list[Anomaly]]:
        """Go on after BOOTTIME went back by ``seconds`` within one boot, as after a start.

        Where the wall clock did not go back with it, it has stepped against BOOTTIME: which of the two was moved
        cannot be told.
        """
        offset = _offset(reading)
        stepped = max(self.most, offset) - min(self.least, offset) > MOST_STEP_S
        begun, anomalies = self.begin_boot(reading, mark)
        return replace(begun, lost=begun.lost or stepped), [_rolled_back("boottime", seconds), *anomalies]

    def grant(self, reading: Reading) -> WallClock:
        """Remember that this reading granted a schedule: a later one must not lie before it."""
        return replace(self, granted=max(self.granted or 0, int(reading.wall)))

    def believe(self, reading: Reading) -> WallClock:
        """Give the wall clock its standing back: signed time of this boot has arrived."""
        offset = _offset(reading)
        return WallClock(offset, offset, epoch=self.epoch + 1)

    def merge(self, stored: WallClock) -> WallClock:
        """Return what two processes know together; ``stored`` is never of an older epoch."""
        if stored.epoch != self.epoch:
            return stored
        granted = [one.granted for one in (self, stored) if one.granted is not None]
        return replace(
            stored,
            least=min(self.least, stored.least),
            most=max(self.most, stored.most),
            granted=max(granted, default=None),
        )

    def _hold_against_granted(self, reading: Reading) -> tuple[WallClock, list[Anomaly]]:
        if self.granted is None or self.lost or int(reading.wall) >= self.granted:
            return self, []
        return replace(self, lost=True, epoch=self.epoch + 1), [
            _rolled_back("schedule", self.granted - int(reading.wall))
        ]


def _offset(reading: Reading) -> int:
    return round(reading.wall - reading.boottime)


def _rolled_back(against: str, seconds: int) -> Anomaly:
    return Anomaly(EventType.CLOCK_ROLLED_BACK, {"against": against, "seconds": seconds})
