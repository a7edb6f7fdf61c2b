"""What came of an exchange."""

from __future__ import annotations

from dataclasses import dataclass, replace

from device_agent.errors import AgentError, OtherDocument, ServerRefused, TransportError
from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import InterlockError


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not work: a stable ``code``, and a ``sentence`` for people. ``answered`` tells whether an
    answer came at all, be it a refusal or one that cannot be believed.
    """

    code: str
    sentence: str
    answered: bool = True

    @classmethod
    def of(cls, error: AgentError | InterlockError) -> Problem:
        """Describe an error."""
        is_silence = isinstance(error, TransportError) and not isinstance(error, ServerRefused | OtherDocument)
        return cls(error.code, str(error), not is_silence)


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one exchange with the exporter brought.

    ``receipts`` counts reports that were confirmed, ``refused`` holds the codes of signed refusals; ``entitlement``
    tells whether a new one was taken, ``lists`` how many status lists were. ``invalid`` names the capabilities that a
    list revoked just now. ``unreported`` counts events that no receipt covers yet; ``backlog`` tells whether some of
    them were there before the exchange already, so that another should follow at once.
    """

    receipts: int = 0
    refused: tuple[str, ...] = ()
    entitlement: bool = False
    lists: int = 0
    invalid: frozenset[str] = frozenset()
    unreported: int = 0
    backlog: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def reached(self) -> bool:
        """Whether the exporter answered this device with a signature."""
        return self.receipts > 0 or bool(self.refused)

    def with_problem(self, error: AgentError | InterlockError) -> SyncReport:
        """Return this report with one more problem."""
        return replace(self, problems=(*self.problems, Problem.of(error)))

    def to_json(self) -> JsonObject:
        """Return the report as JSON."""
        return {
            "reached": self.reached,
            "receipts": self.receipts,
            "refused": list(self.refused),
            "entitlement": self.entitlement,
            "lists": self.lists,
            "invalid": sorted(self.invalid),
            "unreported": self.unreported,
            "problems": [{"code": problem.code, "sentence": problem.sentence} for problem in self.problems],
        }
