"""A small automaton over characters, walked in all its states at once: linear time, whatever the pattern.

What a walk found is remembered within a bound, so that a form of text seen before costs one look-up a character.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

Test: TypeAlias = Callable[[str], bool]
_MOST_REMEMBERED = 4096


@dataclass(slots=True)
class State:
    """``test`` leads to ``then`` over one character; a state without a test leads to all of ``then`` over none."""

    test: Test | None
    then: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Reached:
    """The states in which a text can be, and where a further character leads as far as it was asked."""

    states: frozenset[int]
    is_end: bool
    then: dict[str, _Reached] = field(default_factory=dict)


class Automaton:
    """States by number, and the first and the last of them."""

    def __init__(self, states: list[State], start: int, end: int) -> None:
        self._states, self._start, self._end = states, start, end
        self._forget()

    def matches(self, text: str) -> bool:
        """Tell whether the whole text leads from the first state to the last."""
        reached = self._begin
        for char in text:
            reached = reached.then.get(char) or self._step(reached, char)
        return reached.is_end

    def _step(self, reached: _Reached, char: str) -> _Reached:
        if self._remembered >= _MOST_REMEMBERED:
            self._forget()
        tested = (self._states[number] for number in reached.states)
        following = self._reach({then for s in tested if s.test is not None and s.test(char) for then in s.then})
        reached.then[char] = following
        self._remembered += 1
        return following

    def _reach(self, states: set[int]) -> _Reached:
        """Return the states and all that they lead to over no character."""
        pending = list(states)
        while pending:
            state = self._states[pending.pop()]
            if state.test is None:
                fresh = [then for then in state.then if then not in states]
                states.update(fresh)
                pending.extend(fresh)
        reached = _Reached(frozenset(states), self._end in states)
        return self._known.setdefault(reached.states, reached)

    def _forget(self) -> None:
        self._known: dict[frozenset[int], _Reached] = {}
        self._remembered = 0
        self._begin = self._reach({self._start})
