"""The port through which a product gives its positions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from numbers import Real
from typing import TypeAlias, final

from device_agent.errors import MalformedFix
from device_agent.location.observation import Observation
from licensing_protocol.limits import Fix


class LocationSource(ABC):
    """Port to a receiver. Implement :meth:`read`; the agent asks by :meth:`poll`, about once a second."""

    @abstractmethod
    def read(self) -> Fix | None:
        """Return the position of this moment, or ``None`` where the receiver has none."""

    @final
    def poll(self) -> Fix | None:
        """Return a position that is one, or ``None``.

        Whatever goes wrong in a receiver's driver, the device is merely without a position: that is what limits are
        evaluated for, and it never stops the product.
        """
        try:
            fix = self.read()
            return None if fix is None else sound(fix)
        except Exception:
            return None


class CallableSource(LocationSource):
    """A source made of a function."""

    def __init__(self, function: Callable[[], Fix | None]) -> None:
        self._function = function

    def read(self) -> Fix | None:
        """Call the function."""
        return self._function()


AnySource: TypeAlias = LocationSource | Callable[[], Fix | None]


def sources(given: AnySource | Sequence[AnySource] | None) -> tuple[LocationSource, ...]:
    """Return as sources what a product gives: none, one, or several, each a source or a function."""
    if given is None:
        return ()
    several = given if isinstance(given, Sequence) else (given,)
    return tuple(one if isinstance(one, LocationSource) else CallableSource(one) for one in several)


def sound(fix: Fix) -> Fix:
    """Return the fix as it is.

    Raises:
        MalformedFix: it is no position: NaN, out of range, or not in numbers that can be reckoned with.
    """
    try:
        extras = (fix.speed_mps, fix.course_deg, fix.gnss_time) if isinstance(fix, Observation) else ()
        numbers = (fix.latitude, fix.longitude, fix.uncertainty_m, *extras)
        # A Decimal can be compared with a float, but not subtracted from one.
        if fix.in_range and all(number is None or isinstance(number, Real) for number in numbers):
            return fix
    except (AttributeError, TypeError) as error:
        raise MalformedFix from error
    raise MalformedFix
