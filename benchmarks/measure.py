"""Measures calls one by one, the cases taking turns, so that a noisy moment of the machine falls on all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, TypeAlias

Call: TypeAlias = Callable[[], object]
_BLOCK: Final = 100
_WARM_UP: Final = 3
_NS_PER_S: Final = 10**9


@dataclass(frozen=True, slots=True)
class Effort:
    """How long each case is measured, in seconds, and in how many turns."""

    seconds: float
    turns: int


THOROUGH: Final = Effort(2.0, 40)
QUICK: Final = Effort(0.02, 2)


@dataclass(slots=True)
class Case:
    """A call to measure, by several ``threads`` at once if so.

    ``samples`` are nanoseconds a call without what the timer costs; ``elapsed`` is how many all turns took, with it.
    """

    name: str
    call: Call
    threads: int = 1
    samples: list[int] = field(default_factory=list)
    elapsed: int = 0


def interleaved(cases: Sequence[Case], effort: Effort) -> None:
    """Fill the samples of all cases, turn by turn."""
    timer = _timer_ns()
    for case in cases:
        for _ in range(_WARM_UP):
            case.call()
    for _ in range(effort.turns):
        for case in cases:
            began = time.perf_counter_ns()
            _turn(case, effort.seconds / effort.turns, timer)
            case.elapsed += time.perf_counter_ns() - began


def percentile(samples: Sequence[int], share: float) -> float:
    """Return the sample below which the share of all samples lies."""
    ordered = sorted(samples)
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def per_second(case: Case) -> float:
    """Return how many calls all threads of the case made together in a second, the measuring included."""
    return len(case.samples) * _NS_PER_S / max(1, case.elapsed)


def _turn(case: Case, seconds: float, timer: int) -> None:
    if case.threads == 1:
        case.samples.extend(_timed(case.call, seconds, timer))
        return
    begin, found = threading.Barrier(case.threads), list[list[int]]()

    def run() -> None:
        begin.wait()
        found.append(_timed(case.call, seconds, timer))

    threads = [threading.Thread(target=run) for _ in range(case.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for samples in found:
        case.samples.extend(samples)


def _timed(call: Call, seconds: float, timer: int) -> list[int]:
    clock, samples = time.perf_counter_ns, []
    end = clock() + int(seconds * _NS_PER_S)
    while clock() < end:
        for _ in range(_BLOCK):
            before = clock()
            call()
            after = clock()
            samples.append(max(0, after - before - timer))
            if after > end:
                break
    return samples


def _timer_ns() -> int:
    """Return what reading the timer costs by itself."""
    clock, samples = time.perf_counter_ns, []
    for _ in range(10_000):
        before = clock()
        samples.append(clock() - before)
    return int(median(samples))
