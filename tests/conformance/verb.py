"""What a verb is, and how the members that several verbs share are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from licensing_protocol.canonical import MAX_INTEGER, JsonObject
from licensing_protocol.fields import Fields
from licensing_protocol.keys import KeySet
from licensing_protocol.time_bounds import TimeBounds
from licensing_protocol.token import TokenType, size_limit
from licensing_protocol.trust import Delegation, Trusted

Verb: TypeAlias = Callable[[JsonObject], JsonObject]
T = TypeVar("T")

# A document that is too long must be refused by the rule under test, not by the reading of the question.
LONGEST = 2 * size_limit(TokenType.ENTITLEMENT)


def asked(question: JsonObject, read: Callable[[Fields], T]) -> T:
    """Read a question whole: a member that no one reads is ``field.unknown``."""
    fields = Fields(question, "input")
    values = read(fields)
    fields.end()
    return values


def maybe(fields: Fields, name: str, read: Callable[[str], T]) -> T | None:
    """Read a member that may be left out, or null."""
    return fields.optional(name, lambda present: fields.nullable(present, read))


def string(fields: Fields, name: str, *, longest: int = LONGEST) -> str:
    """Read a string that may be empty."""
    value = fields.take(name)
    if not isinstance(value, str):
        fields.refuse(name, "field.type", "must be a string")
    if len(value) > longest:
        fields.refuse(name, "field.range", f"must have at most {longest} characters")
    return value


def document(fields: Fields, name: str = "token") -> str:
    """Read a compact JWS of any length that could be refused."""
    return fields.text(name, longest=LONGEST)


def keys(fields: Fields) -> KeySet:
    """Read the member ``jwks``."""
    return KeySet.from_jwks(fields.take("jwks"))


def root_of(key_set: KeySet) -> Trusted:
    """Return a root of trust that lets these keys sign for every purpose, for ever."""
    return Trusted(1, 1, "", 0, MAX_INTEGER, dict.fromkeys(Delegation, key_set))


def instant(fields: Fields, name: str, *, least: int = 0) -> int:
    """Read whole seconds; ``1790000000.0`` is whole, as some languages write it."""
    value = fields.take(name)
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    return Fields({name: whole}, "input").integer(name, least=least)


def moment(fields: Fields, name: str = "now") -> TimeBounds:
    """Read an instant that is simply known, or ``[lower, upper]`` without a wall clock (``upper`` may be null)."""
    value = fields.take(name)
    if not isinstance(value, list):
        return TimeBounds.exactly(instant(Fields({name: value}, "input"), name))
    lower, upper = Fields({name: value}, "input").list_of(name, least=2, most=2)
    bounds = Fields({"lower": lower, "upper": upper}, f"input.{name}")
    least = instant(bounds, "lower")
    return TimeBounds(least, bounds.nullable("upper", lambda upper_name: instant(bounds, upper_name, least=least)))
