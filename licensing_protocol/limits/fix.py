"""A position as a receiver gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.fields import Fields

_HALF_THE_EARTH_M = 20_038_000.0


@dataclass(frozen=True, slots=True)
class Fix:
    """WGS 84 degrees, and the radius in metres of the circle that holds the true position with 95 % probability."""

    latitude: float
    longitude: float
    uncertainty_m: float

    @classmethod
    def parse(cls, value: Any) -> Fix:
        """Read ``{latitude, longitude, uncertainty_m}``; NaN and out-of-range numbers are ``field.range``."""
        fields = Fields(value, "fix")
        fix = cls(
            fields.number("latitude", least=-90, most=90),
            fields.number("longitude", least=-180, most=180),
            fields.number("uncertainty_m", least=0, most=_HALF_THE_EARTH_M),
        )
        fields.end()
        return fix

    @property
    def in_range(self) -> bool:
        """Whether every number is in the range that :meth:`parse` keeps; receivers write NaN for what they lack."""
        return (
            -90 <= self.latitude <= 90
            and -180 <= self.longitude <= 180
            and 0 <= self.uncertainty_m <= _HALF_THE_EARTH_M
        )

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {"latitude": self.latitude, "longitude": self.longitude, "uncertainty_m": self.uncertainty_m}
