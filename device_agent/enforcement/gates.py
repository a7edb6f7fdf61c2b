"""Finds the gate of a use: one that was made before where the same was said, so that asking again costs a look-up."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from marshal import dumps
from typing import Any, Final

from device_agent.enforcement.gate import Admit, Door, Gate
from licensing_protocol.decision import CompiledGrant, Use

# Without references inside, so that the same parameters in the same order are the same bytes.
_FORM: Final = 2
# What a gate remembers of its use must not change while it is kept.
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_MOST: Final = 1024
_LONGEST: Final = 1000


class Gates:
    """The gates of a product, and for each capability the door that they lead to.

    :meth:`find` may be called from any thread without a lock: what is kept here is only a short cut, and whether a
    gate opens is the door's business. Everything else belongs to one thread at a time.
    """

    def __init__(self, admit: Admit, always_open: Mapping[str, Door]) -> None:
        self._admit = admit
        self._always_open = always_open
        self._doors: dict[str, Door] = {}
        self._gates: dict[Hashable, Gate] = {}

    def find(
        self, capability: str, authority: str | None, operators: Iterable[str], parameters: dict[str, Any]
    ) -> Gate:
        """Return the way into one use."""
        if type(operators) is not tuple:
            # A name is one person, not as many as it has letters.
            operators = (operators,) if isinstance(operators, str) else tuple(operators)
        try:
            # As bytes true is no 1, and 1.0 is no 1; and nothing that the product made is asked whether it is equal.
            said = dumps(parameters, _FORM) if parameters else None
            return self._gates[capability, authority, operators, said]
        except (KeyError, TypeError, ValueError):
            return self._make(capability, Use(parameters, authority, operators))

    def door(self, capability: str, grant: CompiledGrant | None, is_wide: bool) -> Door:
        """Return the door of a capability's grant; another grant's is shut for ever, whoever stands before it."""
        door = self._doors.get(capability)
        if door is None or door.grant is not grant:
            self.shut(capability)
            door = self._doors[capability] = Door(grant, is_wide)
        return door

    def lead(self, gate: Gate) -> None:
        """Put a gate, whose use fits the grant in force, before its door; one whose use can change is asked again."""
        door = self._doors.get(gate.capability)
        if door is not None and (door.is_wide or _is_fixed(gate.use)):
            gate.door = door

    def shut(self, capability: str) -> None:
        """Let every use of a capability go the slow way."""
        if capability in self._doors:
            self._doors[capability].shut()

    def shut_all(self) -> None:
        """Let every use but those of safety functions go the slow way; any thread may say so."""
        for door in list(self._doors.values()):
            door.shut()

    def _make(self, capability: str, use: Use) -> Gate:
        gate = Gate(self._admit, capability, use)
        door = self._always_open.get(capability) or self._doors.get(capability)
        if door is not None and door.is_wide:
            gate.door = door
        if _can_be_kept(capability, use):
            if len(self._gates) >= _MOST:
                self._gates.clear()
            said = dumps(dict(use.parameters), _FORM) if use.parameters else None
            self._gates[capability, use.authority, use.operators, said] = gate
        return gate


def _can_be_kept(capability: str, use: Use) -> bool:
    return _is_fixed(use) and len(str(capability)) + len(dumps((*_values(use), *use.parameters), _FORM)) <= _LONGEST


def _is_fixed(use: Use) -> bool:
    return _PLAIN.issuperset(map(type, _values(use)))


def _values(use: Use) -> tuple[Any, ...]:
    return use.authority, *use.operators, *use.parameters.values()
