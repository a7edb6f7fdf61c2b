"""The whole reasoning behind one decision as a value, and as a table for people.

An explanation is for whoever stands before the device: it names zones and distances to their borders, so it is shown
there, and neither sent nor journalled. Coordinates, authorities, operators' names and parameters' values are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from licensing_protocol.canonical import MAX_INTEGER, JsonObject, encode
from licensing_protocol.decision import Decision, Denied
from licensing_protocol.languages import ENGLISH, Language, instant
from licensing_protocol.limits.verdict import Verdict
from licensing_protocol.reasons import Reason

_GAP: Final = "  "
_UNITS: Final = {"_s": "s", "_m": "m"}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at. ``facts`` are what its verdict rests on: names that end in ``_s`` are seconds, in
    ``_m`` metres, in ``_at`` instants.
    """

    name: str
    verdict: Verdict
    facts: JsonObject = field(default_factory=dict)

    def to_json(self, language: Language = ENGLISH) -> JsonObject:
        """Return the step as JSON; ``until`` is the first instant at which time alone may change its verdict."""
        told: JsonObject = {"step": self.name, "verdict": self.verdict.standing.name.lower(), "facts": self.facts}
        reason = self.verdict.reason
        if reason is not None:
            told |= {"code": reason.code, "sentence": language.sentence(reason)}
            told |= {"retry_at": writable(reason.retry_at), "zone": reason.zone}
        told["until"] = writable(self.verdict.changes_at)
        return {name: member for name, member in told.items() if member is not None}


@dataclass(frozen=True, slots=True)
class Explanation:
    """``decision`` is what ``decide`` says at the same moment: what the strongest of the ``steps`` (the first of
    equals) and the grant's ``on_unknown`` make of it. ``degrade`` are the parameters of a grant that does not deny
    the unknown. ``str()`` is a table in English, :meth:`told` one in another language.
    """

    decision: Decision
    steps: tuple[Step, ...]
    degrade: JsonObject | None = None

    @property
    def against(self) -> tuple[Reason, ...]:
        """Everything that stands against the use now, the unknown included, in the order of the steps."""
        return tuple(step.verdict.reason for step in self.steps if step.verdict.reason is not None)

    @property
    def possible_at(self) -> int | None:
        """The earliest instant (seconds) at which all that stands against a denied use may have gone with time.

        ``None`` where the use is granted, or where something has to happen first. It promises nothing: what holds now
        may not hold then.
        """
        instants = [reason.retry_at for reason in self.against]
        known = [at for at in instants if at is not None]
        return max(known) if isinstance(self.decision, Denied) and len(known) == len(instants) else None

    def to_json(self, language: Language = ENGLISH) -> JsonObject:
        """Return the reasoning as JSON, without the decision itself."""
        steps = [step.to_json(language) for step in self.steps]
        on_unknown = "deny" if self.degrade is None else {"degrade": self.degrade}
        return {"steps": steps, "on_unknown": on_unknown, "possible_at": writable(self.possible_at)}

    def told(self, language: Language) -> str:
        """Return it as text: the decision with its reason, the steps as a table, and what becomes of the unknown."""
        table = _aligned(self.rows(language))
        return "\n".join((*self.summary(language), "", *table, "", *self.remainder(language)))

    def summary(self, language: Language) -> Iterator[str]:
        """Yield the decision and, where there is one, its reason."""
        decision = self.decision
        kind = "denied" if isinstance(decision, Denied) else "granted" if decision.reason is None else "degraded"
        yield f"{decision.capability}: {language.phrase(f'decision.{kind}')}"
        if decision.reason is not None:
            yield f"{language.told(decision.reason)} ({decision.reason.code})"

    def rows(self, language: Language) -> list[tuple[str, ...]]:
        """Return the steps as a table, its head first: what was looked at, its verdict, until when, and why."""
        head = tuple(language.phrase(f"column.{name}") for name in ("step", "verdict", "until", "why"))
        return [head, *(_row(step, language) for step in self.steps)]

    def remainder(self, language: Language) -> Iterator[str]:
        """Yield what the grant makes of the unknown, and the earliest instant at which all of it may have gone."""
        if self.degrade is None:
            yield language.phrase("unknown.denied")
        else:
            yield language.phrase("unknown.degraded", parameters=encode(self.degrade).decode("utf-8"))
        if self.possible_at is not None:
            yield language.phrase("possible_at", instant=instant(self.possible_at))

    def __str__(self) -> str:
        return self.told(ENGLISH)


def _row(step: Step, language: Language) -> tuple[str, ...]:
    verdict = step.verdict
    until = "-" if verdict.changes_at is None else instant(verdict.changes_at)
    facts = ", ".join(_fact(name, value) for name, value in step.facts.items() if value is not None)
    why = facts if verdict.reason is None else f"{language.told(verdict.reason)} ({verdict.reason.code})"
    both = f"{why} [{facts}]" if verdict.reason is not None and facts else why
    name, standing = language.phrase(f"step.{step.name}"), language.phrase(f"verdict.{verdict.standing.name.lower()}")
    return name, standing, until, both


def _fact(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(" ".join(_fact(*member) for member in item.items() if member[1] is not None) for item in value)
    label, unit = name.replace("_", " "), _UNITS.get(name[-2:])
    if name.endswith("_at"):
        return f"{label[:-3]} {instant(value)}"
    if isinstance(value, bool):
        return f"{label} {'yes' if value else 'no'}"
    return f"{label} {value}" if unit is None else f"{label[:-2]} {value} {unit}"


def writable(instant: int | None) -> int | None:
    """Return an instant, or ``None`` for one that no JSON integer holds: it is as good as never."""
    return None if instant is None or instant > MAX_INTEGER else instant


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    *widths, _ = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for *cells, last in rows:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        yield _GAP.join((*padded, last)).rstrip()
