"""What makes a position implausible, in a form that says nothing of where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from licensing_protocol.canonical import JsonObject


class Problem(StrEnum):
    """The rule that a position breaks."""

    IMPLIED_SPEED = "implied_speed"
    REPORTED_SPEED = "reported_speed"
    REPORTED_COURSE = "reported_course"
    FROZEN = "frozen"
    REPLAYED = "replayed"
    GNSS_TIME = "gnss_time"
    DISAGREEMENT = "disagreement"


@dataclass(frozen=True, slots=True)
class Implausible:
    """A position that is not used. ``figures`` are whole numbers, their units in their names; no coordinates."""

    problem: Problem
    figures: Mapping[str, int]

    def to_data(self) -> JsonObject:
        """Return the data of the event ``position.implausible``."""
        return {"problem": str(self.problem), **self.figures}
