"""The port through which a product gives its positions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from numbers import Real
from typing import Final, TypeAlias, final

from device_agent.errors import MalformedFix
from device_agent.location.observation import Observation
from licensing_protocol.limits import Fix

_NUMBERS: Final = ("latitude", "longitude", "uncertainty_m", "speed_mps", "course_deg", "gnss_time")
_LONGEST_NAME: Final = 100


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
    """Return the fix with every number as a float, so that it can be reckoned with and written down.

    Raises:
        MalformedFix: it is no position: NaN, out of range, or not in numbers; or its source has no proper name.
    """
    try:
        if fix.in_range and _is_named(fix):
            others = dict(_other_numbers(fix))
            return replace(fix, **others) if others else fix
    except (AttributeError, TypeError) as error:
        raise MalformedFix from error
    raise MalformedFix


def _is_named(fix: Fix) -> bool:
    return not isinstance(fix, Observation) or (len(fix.source) <= _LONGEST_NAME and fix.source.isprintable())


def _other_numbers(fix: Fix) -> Iterator[tuple[str, float]]:
    for name in _NUMBERS:
        number = getattr(fix, name, None)
        if number is None or type(number) is float:
            continue
        # A Decimal can be compared with a float, but not subtracted from one.
        if not isinstance(number, Real):
            raise TypeError
        yield name, float(number)
