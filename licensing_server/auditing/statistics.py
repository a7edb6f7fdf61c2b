"""What the public may count in a log: orders by reason, appeals and what came of them, how long answers took."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from licensing_server.auditing.records import Record

_UNSAID: Final = "not said"
_ENDS: Final = frozenset({"order.expired", "order.void"})


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, and the entries that it counts."""

    name: str
    indices: tuple[int, ...]

    @property
    def count(self) -> int:
        """The number."""
        return len(self.indices)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"name": self.name, "count": self.count, "indices": list(self.indices)}


@dataclass(frozen=True, slots=True)
class Wait:
    """How long it took from one entry to the one that answers it, by their indices; seconds."""

    asked: int
    answered: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took each time, and which entries still wait for their answer."""

    name: str
    waits: tuple[Wait, ...]
    open: tuple[int, ...]

    @property
    def median(self) -> int | None:
        """The middle one, in seconds."""
        return int(median(wait.seconds for wait in self.waits)) if self.waits else None

    @property
    def longest(self) -> int | None:
        """The longest, in seconds."""
        return max((wait.seconds for wait in self.waits), default=None)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        pairs = [{"asked": wait.asked, "answered": wait.answered, "seconds": wait.seconds} for wait in self.waits]
        times = {"median_s": self.median, "longest_s": self.longest}
        return {"name": self.name, **times, "answers": pairs, "open": list(self.open)}


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that a report counts."""

    by_kind: tuple[Figure, ...]
    by_reason: tuple[Figure, ...]
    by_fate: tuple[Figure, ...]
    appeals: Figure
    outcomes: tuple[Figure, ...]
    times: tuple[Times, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        orders = {"by_kind": self.by_kind, "by_reason": self.by_reason, "what_became_of_them": self.by_fate}
        return {
            "orders": {name: [figure.to_json() for figure in figures] for name, figures in orders.items()},
            "appeals": {
                "recorded": self.appeals.to_json(),
                "outcomes": [figure.to_json() for figure in self.outcomes],
            },
            "response_times": [times.to_json() for times in self.times],
        }


def summarise(records: Iterable[Record]) -> Summary:
    """Count what the public may count. What is placed by the system is counted as everything else."""
    kept = [record for record in records if record.type.startswith(("order.", "appeal.", "case."))]
    placed, recorded = _of_type(kept, "order.placed"), _of_type(kept, "appeal.recorded")
    answered = _of_type(kept, "appeal.answered")
    in_force = _of_type(kept, "order.in_force")
    fates = [record for record in kept if record.type.startswith("order.") and record.type != "order.placed"]
    handled = [record for record in kept if record.type in {"case.acknowledged", "case.closed"}]
    return Summary(
        by_kind=_figures(placed, lambda record: record.data.get("kind")),
        by_reason=_figures(placed, lambda record: record.data.get("reason")),
        by_fate=_figures(fates, lambda record: record.type.removeprefix("order.")),
        appeals=Figure("appeals", _indices(recorded)),
        outcomes=_figures(answered, lambda record: record.data.get("outcome")),
        times=(
            _times("From an order to its taking force", placed, in_force, _never(kept, placed, in_force)),
            _times("From an appeal to its answer", recorded, answered),
            _times("From an alert's case to the first person who took it up", _of_type(kept, "case.opened"), handled),
        ),
    )


def _of_type(records: Sequence[Record], kind: str) -> list[Record]:
    return [record for record in records if record.type == kind]


def _indices(records: Sequence[Record]) -> tuple[int, ...]:
    return tuple(record.index for record in records)


def _figures(records: Sequence[Record], name_of: Callable[[Record], Any]) -> tuple[Figure, ...]:
    """Count by name: the most frequent first."""
    found: dict[str, list[int]] = {}
    for record in records:
        name = name_of(record)
        found.setdefault(name if isinstance(name, str) and name else _UNSAID, []).append(record.index)
    figures = [Figure(name, tuple(indices)) for name, indices in found.items()]
    return tuple(sorted(figures, key=lambda figure: (-figure.count, figure.name)))


def _never(kept: Sequence[Record], placed: Sequence[Record], in_force: Sequence[Record]) -> Collection[str]:
    """Return the orders that will never take force any more: expired, void, or undone before."""
    taken = {record.subject for record in in_force}
    undone = {str(record.data.get("undoes")) for record in placed if record.subject in taken}
    return undone | {record.subject for record in kept if record.type in _ENDS}


def _times(
    name: str, asked: Sequence[Record], answers: Sequence[Record], never: Collection[str] = frozenset()
) -> Times:
    first: Mapping[str, Record] = {record.subject: record for record in reversed(answers)}
    waits, waiting = [], []
    for record in asked:
        answer = first.get(record.subject)
        if answer is None and record.subject not in never:
            waiting.append(record.index)
        if answer is not None:
            waits.append(Wait(record.index, answer.index, max(0, answer.time - record.time)))
    return Times(name, tuple(waits), tuple(waiting))
