"""Reads the members of one JSON object, each once, with its type and bounds; what is left over can be refused.

Every document parser is built from this, so that "wrong type", "missing" and "unknown" mean the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from licensing_protocol.canonical import MAX_INTEGER, JsonObject, from_base64url
from licensing_protocol.errors import MalformedDocument

MAX_TEXT = 4096
DIGEST_BYTES = 32
T = TypeVar("T")


class Fields:
    """The members of ``value`` still to be read; ``where`` names the place in error sentences.

    Every reader raises ``MalformedDocument`` with the code ``field.missing``, ``field.type``, ``field.range`` or
    ``field.unknown``.
    """

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise _refused("field.type", where, "must be an object")
        self._left: JsonObject = dict(value)
        self._where = where

    def has(self, name: str) -> bool:
        """Tell whether a member of this name is still unread."""
        return name in self._left

    def names(self) -> tuple[str, ...]:
        """Return the names of the members still to be read."""
        return tuple(self._left)

    def nullable(self, name: str, read: Callable[[str], T]) -> T | None:
        """Return ``read(name)``, or ``None`` where the member is there and null."""
        if self.has(name) and self._left[name] is None:
            del self._left[name]
            return None
        return read(name)

    def take(self, name: str) -> Any:
        """Return a member of any type."""
        if name not in self._left:
            raise _refused("field.missing", f"{self._where}.{name}", "is missing")
        return self._left.pop(name)

    def optional(self, name: str, read: Callable[[str], T]) -> T | None:
        """Return ``read(name)`` where the member is present, else ``None``."""
        return read(name) if name in self._left else None

    def text(self, name: str, *, longest: int = MAX_TEXT) -> str:
        """Return a non-empty string of at most ``longest`` characters."""
        value = self.take(name)
        if not isinstance(value, str):
            self.refuse(name, "field.type", "must be a string")
        if not 1 <= len(value) <= longest:
            self.refuse(name, "field.range", f"must have 1 to {longest} characters")
        return value

    def integer(self, name: str, *, least: int = 0, most: int = MAX_INTEGER) -> int:
        """Return an integer from ``least`` to ``most``; floats and booleans are refused."""
        value = self.take(name)
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(name, "field.type", "must be an integer")
        if not least <= value <= most:
            self.refuse(name, "field.range", f"must be from {least} to {most}")
        return value

    def number(self, name: str, *, least: float, most: float) -> float:
        """Return an integer or float from ``least`` to ``most`` as a float."""
        value = self.take(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.refuse(name, "field.type", "must be a number")
        if not least <= value <= most:
            self.refuse(name, "field.range", f"must be from {least} to {most}")
        return float(value)

    def boolean(self, name: str) -> bool:
        """Return true or false."""
        value = self.take(name)
        if not isinstance(value, bool):
            self.refuse(name, "field.type", "must be true or false")
        return value

    def octets(self, name: str, *, length: int = DIGEST_BYTES) -> bytes:
        """Return exactly ``length`` bytes written as base64url."""
        value = from_base64url(self.text(name))
        if len(value) != length:
            self.refuse(name, "field.range", f"must encode {length} bytes")
        return value

    def list_of(self, name: str, *, most: int, least: int = 0) -> list[Any]:
        """Return a list of ``least`` to ``most`` members of any type."""
        value = self.take(name)
        if not isinstance(value, list):
            self.refuse(name, "field.type", "must be a list")
        if not least <= len(value) <= most:
            self.refuse(name, "field.range", f"must have {least} to {most} members")
        return value

    def texts(self, name: str, *, most: int, least: int = 0, longest: int = MAX_TEXT) -> tuple[str, ...]:
        """Return a list of distinct non-empty strings."""
        values = self.list_of(name, most=most, least=least)
        if not all(isinstance(value, str) and 1 <= len(value) <= longest for value in values):
            self.refuse(name, "field.type", f"must hold strings of 1 to {longest} characters")
        if len(set(values)) != len(values):
            self.refuse(name, "field.range", "must not repeat a member")
        return tuple(values)

    def object(self, name: str) -> Fields:
        """Return a reader for a member that is itself an object."""
        return Fields(self.take(name), f"{self._where}.{name}")

    def members(self, name: str, *, most: int) -> Iterator[tuple[str, Any]]:
        """Return the (name, value) pairs of a member that is an object of at most ``most`` members."""
        value = self.take(name)
        if not isinstance(value, dict):
            self.refuse(name, "field.type", "must be an object")
        if len(value) > most:
            self.refuse(name, "field.range", f"must have at most {most} members")
        return iter(value.items())

    def end(self) -> None:
        """Refuse whatever was not read: in a document that grants something, an unknown claim is an error."""
        for name in self._left:
            self.refuse(name, "field.unknown", "is not a member that this version knows")

    def refuse(self, name: str, code: str, sentence: str) -> NoReturn:
        """Raise ``MalformedDocument`` about one member."""
        raise _refused(code, f"{self._where}.{name}", sentence)


def _refused(code: str, where: str, sentence: str) -> MalformedDocument:
    return MalformedDocument(f"{where} {sentence}.", code=code)
