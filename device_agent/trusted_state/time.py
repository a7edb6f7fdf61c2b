"""Trusted time: an interval that signatures and the running of the device move, and nobody else (protocol §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from device_agent.clock import Reading
from device_agent.trusted_state.wall import Anomaly, WallClock
from licensing_protocol.time_bounds import TimeBounds

FLUSH_S: Final = 60
_MS: Final = 1000
# A reading may lie so far behind the newest and still be an earlier look: two threads take theirs one after the other
# and bring them in the other order, and milliseconds are rounded. More is not needed, because whatever reaches the
# store is read while the store is held, so that no process holds its own reading against one that came after it.
_OUT_OF_ORDER_MS: Final = 1000
# Stands where a key's thumbprint stands for marks that the root of trust itself set.
ROOT: Final = "root"


@dataclass(frozen=True, slots=True)
class Created:
    """When a document was made: in which start (:attr:`TrustedTime.start`), and at how many seconds of BOOTTIME."""

    start: str
    boottime: int


@dataclass(frozen=True, slots=True)
class Upper:
    """An upper bound: what it was at the beginning of this boot (seconds), and the key that vouches for it."""

    at_boot: int
    kid: str


@dataclass(frozen=True, slots=True)
class TrustedTime:
    """What is known of the time.

    ``anchors`` holds for each key the lower bound that follows from what it signed, as of the beginning of this boot;
    ``boottime`` is the newest seen (a bound never falls), ``flushed`` the one at which the marks were last stored. All
    are integers of milliseconds: in whole seconds a bound could run ahead of the truth or fall behind what was signed.
    ``boot_count`` counts starts: boots, and BOOTTIME going back within one.
    """

    boot: str
    boot_count: int
    boottime: int
    flushed: int
    anchors: Mapping[str, int]
    wall: WallClock
    upper: Upper | None = None

    @classmethod
    def first(cls, issued: int, reading: Reading) -> tuple[TrustedTime, list[Anomaly]]:
        """Begin a new store: the root's ``issued`` is all that is known."""
        began = _milliseconds(reading)
        wall, anomalies = WallClock.first(reading).begin_boot(reading, issued)
        return cls(reading.boot, 1, began, began, {ROOT: issued * _MS - began}, wall), anomalies

    def bounds(self, reading: Reading) -> TimeBounds:
        """Return what is known at the moment of ``reading``."""
        seen, _ = self.observe(reading)
        lower = seen.lower
        if seen.upper is None:
            wall = None if seen.wall.lost else max(lower, int(reading.wall))
            return TimeBounds(lower, None, wall)
        upper = max(lower, seen.upper.at_boot + -(-seen.boottime // _MS))
        # Signed time has the last word: what lies outside the interval is known to be wrong.
        wall = None if seen.wall.lost else min(max(lower, int(reading.wall)), upper)
        return TimeBounds(lower, upper, wall)

    @property
    def start(self) -> str:
        """What tells this start from all others of the device: only within one does BOOTTIME say what passed."""
        return f"{self.boot}/{self.boot_count}"

    @property
    def lower(self) -> int:
        """The lower bound at the newest reading, in seconds."""
        return (max(self.anchors.values()) + self.boottime) // _MS

    def due(self, reading: Reading) -> bool:
        """Tell whether a reading must be recorded before it is decided on: an anomaly, a start, or the next mark."""
        seen, anomalies = self.observe(reading)
        return bool(anomalies) or seen.boot != self.boot or seen.boottime - self.flushed >= FLUSH_S * _MS

    def observe(self, reading: Reading) -> tuple[TrustedTime, list[Anomaly]]:
        """Take one look at the clocks into account, and say what the journal must be told."""
        if reading.boot != self.boot:
            return self._begin(reading, 0, *self.wall.begin_boot(reading, self.lower))
        now = _milliseconds(reading)
        if self.boottime - now > _OUT_OF_ORDER_MS:
            behind = (self.boottime - now) // _MS
            return self._begin(reading, now, *self.wall.go_on(reading, self.lower, behind))
        wall, anomalies = self.wall.observe(reading)
        return replace(self, wall=wall, boottime=max(self.boottime, now)), anomalies

    def accept(self, issued_at: int, kid: str, reading: Reading) -> TrustedTime:
        """Raise the lower bound by the ``iat`` of a verified document, at a ``reading`` that was observed."""
        anchor = issued_at * _MS - max(self.boottime, _milliseconds(reading))
        return replace(self, anchors=dict(self.anchors) | {kid: max(anchor, self.anchors.get(kid, anchor))})

    def confirm(self, issued_at: int, kid: str, created: Created, reading: Reading) -> TrustedTime:
        """Take in a receipt's ``iat``: for what was ``created`` in this start it bounds time from above as well.

        That also gives the wall clock its standing back.
        """
        raised = self.accept(issued_at, kid, reading)
        if created.start != self.start:
            return raised
        upper = Upper(issued_at - created.boottime, kid)
        if self.upper is not None and self.upper.at_boot < upper.at_boot:
            upper = self.upper
        return replace(raised, upper=upper, wall=self.wall.believe(reading))

    def grant_schedule(self, reading: Reading) -> TrustedTime:
        """Remember that the wall clock of ``reading`` granted a schedule."""
        return replace(self, wall=self.wall.grant(reading))

    def without_root(self) -> TrustedTime:
        """Forget what the root of trust said of the time: its Targets are signed enough no more."""
        return replace(self, anchors=dict(self.anchors) | {ROOT: -self.boottime})

    def trusting(self, trusted: Callable[[str], bool]) -> TrustedTime:
        """Forget what keys said that are no longer ``trusted`` (protocol §2)."""
        anchors = {kid: anchor for kid, anchor in self.anchors.items() if kid == ROOT or trusted(kid)}
        upper = self.upper if self.upper is not None and trusted(self.upper.kid) else None
        return replace(self, anchors=anchors, upper=upper)

    def merge(self, stored: TrustedTime) -> TrustedTime:
        """Return what this process and the store know together."""
        if stored.start != self.start:
            return stored
        kids = self.anchors.keys() | stored.anchors.keys()
        known = (self.anchors, stored.anchors)
        return replace(
            stored,
            boottime=max(self.boottime, stored.boottime),
            anchors={kid: max(anchors[kid] for anchors in known if kid in anchors) for kid in kids},
            wall=self.wall.merge(stored.wall),
        )

    def _begin(
        self, reading: Reading, origin: int, wall: WallClock, anomalies: list[Anomaly]
    ) -> tuple[TrustedTime, list[Anomaly]]:
        """Begin a start at ``reading``; the mark was reached when BOOTTIME showed ``origin``, or later."""
        # Up to one interval of running was not recorded before the device stopped. Without this, switching it off
        # and on again would stop time; so would setting BOOTTIME back.
        passed = self.boottime - origin + FLUSH_S * _MS
        anchors = {kid: anchor + passed for kid, anchor in self.anchors.items()}
        began = _milliseconds(reading)
        return TrustedTime(reading.boot, self.boot_count + 1, began, began, anchors, wall), anomalies


def _milliseconds(reading: Reading) -> int:
    return int(reading.boottime * _MS)
