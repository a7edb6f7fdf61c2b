"""What is known of the time: an interval and a witness, never one number (protocol §5)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """The knowledge of time at one moment, in whole seconds since the epoch.

    ``lower`` is proven by signatures and elapsed running time. ``upper`` comes only from a receipt for evidence of
    this boot. ``wall`` is the wall clock while it can be believed, ``None`` once it has lost its standing.
    """

    lower: int
    upper: int | None = None
    wall: int | None = None

    @property
    def latest(self) -> int:
        """The later of lower bound and wall clock: what expiry and staleness are held against."""
        return self.lower if self.wall is None else max(self.lower, self.wall)

    @property
    def earliest(self) -> int:
        """What a beginning (``nbf``) is held against: proven where an upper bound exists, else as :attr:`latest`."""
        return self.latest if self.upper is None else self.lower

    @property
    def known(self) -> bool:
        """Whether the present can be placed at all; if not, expiry, freshness and schedule are unknown."""
        return self.wall is not None or self.upper is not None

    @classmethod
    def exactly(cls, now: int) -> TimeBounds:
        """The time where it is simply known, as on the server."""
        return cls(now, now, now)
