"""Interoperable regular expressions (RFC 9485), matched in linear time: no pattern can stall the product.

A pattern becomes a small automaton (:mod:`licensing_protocol.limits.automaton`).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.limits.automaton import Automaton, State, Test

_MAX_STATES = 5000
_MAX_NESTING = 50
_ESCAPED = {**{char: char for char in "()*+-.?[\\]^{|}"}, "n": "\n", "r": "\r", "t": "\t"}
_MAJORS_AND_MINORS = {"L": "lmotu", "M": "cen", "N": "dlo", "P": "cdefios", "Z": "lps", "S": "ckmo", "C": "cfno"}
_CATEGORIES = frozenset(major + minor for major, minors in _MAJORS_AND_MINORS.items() for minor in ("", *minors))


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; equal where the sources are equal."""

    source: str
    _automaton: Automaton = field(compare=False, repr=False)

    @classmethod
    def parse(cls, source: str) -> Pattern:
        """Compile a pattern; ``authority.pattern`` for one that RFC 9485 does not define, or that is too large."""
        builder = _Builder(source)
        start, end = builder.whole()
        return cls(source, Automaton(builder.states, start, end))

    def matches(self, text: str) -> bool:
        """Tell whether the whole text fits."""
        return self._automaton.matches(text)


class _Builder:
    """Recursive descent over the grammar of RFC 9485 §3.1; each part becomes a (first, last) pair of states."""

    def __init__(self, source: str) -> None:
        self._source, self._at, self._nesting = source, 0, 0
        self.states: list[State] = []

    def whole(self) -> tuple[int, int]:
        part = self._alternatives()
        if self._at < len(self._source):
            raise _malformed("unbalanced")
        return part

    def _alternatives(self) -> tuple[int, int]:
        first, last = self._state(), self._state()
        while True:
            begins, ends = self._branch()
            self.states[first].then.append(begins)
            self.states[ends].then.append(last)
            if not self._accept("|"):
                return first, last

    def _branch(self) -> tuple[int, int]:
        first = last = self._state()
        while self._at < len(self._source) and self._source[self._at] not in "|)":
            begins, ends = self._quantified()
            self.states[last].then.append(begins)
            last = ends
        return first, last

    def _quantified(self) -> tuple[int, int]:
        atom_at = self._at
        part = self._atom()
        least, most = self._quantity()
        after = self._at
        if (least, most) == (1, 1):
            return part
        first, last = self._state(), self._state()
        end = first
        # Each repetition is a copy; one that is not required, or the end of the required ones, may leave for ``last``.
        for count in range(least + 1 if most is None else most):
            if count >= least:
                self.states[end].then.append(last)
            self._at = atom_at
            begins, ends = self._atom()
            self.states[end].then.append(begins)
            end = self._joint(ends)
            if most is None and count == least:
                self.states[end].then.append(begins)
        self.states[end].then.append(last)
        self._at = after
        return first, last

    def _joint(self, ends: int) -> int:
        joint = self._state()
        self.states[ends].then.append(joint)
        return joint

    def _quantity(self) -> tuple[int, int | None]:
        for sign, quantity in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._accept(sign):
                return quantity
        if not self._accept("{"):
            return 1, 1
        least = self._number()
        most: int | None = least
        if self._accept(","):
            most = None if self._source[self._at : self._at + 1] == "}" else self._number()
        if not self._accept("}") or (most is not None and most < least):
            raise _malformed("a quantity is {n}, {n,} or {n,m}")
        return least, most

    def _number(self) -> int:
        begins = self._at
        while self._source[self._at : self._at + 1] in tuple("0123456789"):
            self._at += 1
        if not 1 <= self._at - begins <= len(str(_MAX_STATES)):
            raise _malformed("a quantity is a small number")
        return int(self._source[begins : self._at])

    def _atom(self) -> tuple[int, int]:
        char = self._next()
        if char == "(":
            return self._group()
        if char in ")*+?{|}]":
            raise _malformed(f"{char!r} must be escaped")
        if char == ".":
            return self._single(lambda c: c not in "\n\r")
        if char == "[":
            return self._single(self._class())
        return self._single(self._escape() if char == "\\" else lambda c: c == char)

    def _group(self) -> tuple[int, int]:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise _malformed("nested too deep")
        part = self._alternatives()
        if not self._accept(")"):
            raise _malformed("unbalanced")
        self._nesting -= 1
        return part

    def _escape(self) -> Test:
        char = self._next()
        if char in "pP":
            return self._category(negated=char == "P")
        if char not in _ESCAPED:
            raise _malformed(f"no such escape as \\{char}")
        return lambda c: c == _ESCAPED[char]

    def _category(self, *, negated: bool) -> Test:
        braced, closed, _ = self._source[self._at :].partition("}")
        name = braced[1:]
        if not closed or braced[:1] != "{" or name not in _CATEGORIES:
            raise _malformed("no such category")
        self._at += len(braced) + 1
        return lambda c: unicodedata.category(c).startswith(name) != negated

    def _class(self) -> Test:
        negated = self._accept("^")
        tests: list[Test] = []
        if self._accept("-"):
            tests.append(lambda c: c == "-")
        while not self._accept("]"):
            tests.append(self._class_member())
        if not tests:
            raise _malformed("an empty class")
        return lambda c: any(test(c) for test in tests) != negated

    def _class_member(self) -> Test:
        char = self._next()
        if char == "-" and self._source[self._at : self._at + 1] == "]":
            return lambda c: c == "-"
        if char == "\\" and self._source[self._at : self._at + 1] in ("p", "P"):
            return self._escape()
        low = self._class_char(char)
        if self._source[self._at : self._at + 1] != "-" or self._source[self._at + 1 : self._at + 2] == "]":
            return lambda c: c == low
        self._at += 1
        high = self._class_char(self._next())
        if high < low:
            raise _malformed("a range that runs backwards")
        return lambda c: low <= c <= high

    def _class_char(self, char: str) -> str:
        if char == "\\":
            escaped = self._next()
            if escaped not in _ESCAPED:
                raise _malformed(f"no such escape as \\{escaped}")
            return _ESCAPED[escaped]
        if char in "-[]":
            raise _malformed(f"{char!r} must be escaped in a class")
        return char

    def _single(self, test: Test) -> tuple[int, int]:
        last = self._state()
        return self._state(test, last), last

    def _state(self, test: Test | None = None, *then: int) -> int:
        if len(self.states) >= _MAX_STATES:
            raise _malformed("too large")
        self.states.append(State(test, list(then)))
        return len(self.states) - 1

    def _next(self) -> str:
        if self._at >= len(self._source):
            raise _malformed("it breaks off")
        self._at += 1
        return self._source[self._at - 1]

    def _accept(self, char: str) -> bool:
        if self._source[self._at : self._at + 1] != char:
            return False
        self._at += 1
        return True


def _malformed(problem: str) -> MalformedDocument:
    return MalformedDocument(f"The pattern is no RFC 9485 expression: {problem}.", code="authority.pattern")
