"""What a step of the story is: an expectation, and what really came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from examples.demo.screen import Screen


class StoryBroken(Exception):
    """A step did not come true; the sentence says what came instead."""


@dataclass(slots=True)
class Step:
    """One step; ``came`` is filled by :meth:`holds`."""

    title: str
    expected: str
    came: str = ""
    true: bool = False
    seconds: float = 0.0

    def holds(self, true: bool, came: Any, instead: Any = None) -> None:
        """Say what came, and whether it is what was expected; ``instead`` is said where it is not.

        Raises:
            StoryBroken: it is not.
        """
        self.came = str(came if true or instead is None else instead)
        if not true:
            raise StoryBroken(self.came)
        self.true = True


@dataclass(slots=True)
class Steps:
    """All steps so far, shown as they are taken."""

    screen: Screen
    taken: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, title: str, expected: str) -> Iterator[Step]:
        """Take one step; it ends by :meth:`Step.holds`, or by whatever went wrong instead."""
        step = Step(title, expected)
        self.taken.append(step)
        begun = monotonic()
        try:
            self.screen.step(len(self.taken), title)
            yield step
        except Exception as error:
            step.true, step.came = False, step.came or str(error)
            raise
        except KeyboardInterrupt:
            step.came = "it was interrupted"
            raise
        finally:
            step.seconds = monotonic() - begun
            self.screen.outcome(step.expected, step.came, true=step.true)

    @property
    def true(self) -> bool:
        """Whether every step that was taken came true."""
        return all(step.true for step in self.taken)
