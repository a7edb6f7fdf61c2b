"""What a limit answers: it holds, it fails, or what it needs to know is unknown; and until when that answer stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from licensing_protocol.reasons import Reason


class Standing(IntEnum):
    """Ordered by strength: of several verdicts, the strongest is the verdict on them together."""

    HOLDS = 0
    UNKNOWN = 1
    FAILS = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reason`` is there unless the limit holds. ``changes_at``: the first instant (seconds, held against
    :attr:`TimeBounds.latest`) at which the passing of time alone may change the answer; ``None`` for never.
    """

    standing: Standing
    reason: Reason | None = None
    changes_at: int | None = None


_HOLDS_FOR_EVER: Final = Verdict(Standing.HOLDS)


def holds(changes_at: int | None = None) -> Verdict:
    """The limit is kept."""
    return _HOLDS_FOR_EVER if changes_at is None else Verdict(Standing.HOLDS, None, changes_at)


def fails(reason: Reason, changes_at: int | None = None) -> Verdict:
    """The limit forbids."""
    return Verdict(Standing.FAILS, reason, changes_at)


def unknown(reason: Reason, changes_at: int | None = None) -> Verdict:
    """What the limit depends on is not known: the grant's ``on_unknown`` decides."""
    return Verdict(Standing.UNKNOWN, reason, changes_at)


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the strongest verdict (the first of equals); it stands only while each of them stands."""
    strongest, earliest = holds(), None
    for verdict in verdicts:
        if verdict.standing > strongest.standing:
            strongest = verdict
        if verdict.changes_at is not None and (earliest is None or verdict.changes_at < earliest):
            earliest = verdict.changes_at
    return strongest if strongest.changes_at == earliest else Verdict(strongest.standing, strongest.reason, earliest)
