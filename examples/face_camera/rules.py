"""The rule file: what the camera does by itself when it sees faces. An integrator may edit it, the agent measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from licensing_protocol.canonical import decode_object

ACTIONS = ("record", "scan", "verify")


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a frame shows at least ``faces``, do ``action``."""

    name: str
    faces: int
    action: str


@dataclass(frozen=True, slots=True)
class Rules:
    """``match`` is the resemblance from which two faces count as one person's."""

    match: float
    rules: tuple[Rule, ...]

    def fitting(self, faces: int) -> tuple[Rule, ...]:
        """Return the rules that apply to a frame with so many faces."""
        return tuple(rule for rule in self.rules if faces >= rule.faces)


def read(path: Path) -> Rules:
    """Read the file.

    Raises:
        ValueError: an action that the camera does not have; InterlockError, KeyError: it is no rule file.
    """
    content = decode_object(path.read_bytes())
    rules = tuple(Rule(str(rule["name"]), int(rule["faces"]), str(rule["action"])) for rule in content["rules"])
    for rule in rules:
        if rule.action not in ACTIONS:
            raise ValueError(f"The rule {rule.name!r} asks for {rule.action!r}; a camera can {', '.join(ACTIONS)}.")
    return Rules(float(content["match"]), rules)
