"""``parameters``: a JSON Schema for the parameters of a call (protocol §3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from licensing_protocol.canonical import MAX_INTEGER, JsonObject, decode, encode
from licensing_protocol.errors import MalformedDocument, Unavailable
from licensing_protocol.limits.verdict import Verdict, fails, holds
from licensing_protocol.reasons import Reason

_MAX_BYTES = 32 * 1024
_REFERENCES = ("$ref", "$dynamicRef")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Parameters:
    """A JSON Schema (2020-12) that stands for itself: it refers to nothing outside."""

    schema: JsonObject

    @classmethod
    def parse(cls, value: Any) -> Parameters:
        """Read a schema.

        Raises:
            MalformedDocument: ``parameters.reference`` for ``$id`` or a ``$ref`` that leads outside,
                ``parameters.dialect`` for a ``$schema`` that is not 2020-12; or a field code.
        """
        if not isinstance(value, dict):
            raise MalformedDocument("A schema is an object.", code="field.type")
        if len(encode(value)) > _MAX_BYTES:
            raise MalformedDocument(f"A schema has at most {_MAX_BYTES} bytes.", code="field.range")
        _refuse_outside(value)
        return cls(value)

    def to_claims(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return self.schema

    def compile(self) -> CompiledParameters:
        """Make it ready to evaluate.

        Raises:
            Unavailable: the JSON Schema library is not installed.
            MalformedDocument: ``parameters.schema`` for a schema that is none.
        """
        return CompiledParameters(self.schema)


class CompiledParameters:
    """A schema with its validator ready."""

    def __init__(self, schema: JsonObject) -> None:
        try:
            import jsonschema_rs
        except ImportError as error:
            sentence = "Parameter limits need the extra interlock[parameters]."
            raise Unavailable(sentence, code="parameters.unavailable") from error
        # The regex engine without backtracking: a pattern cannot stall the product.
        options = jsonschema_rs.RegexOptions()
        try:
            self._schema = jsonschema_rs.Draft202012Validator(schema, pattern_options=options)
        except ValueError as error:
            raise MalformedDocument("The schema is no JSON Schema.", code="parameters.schema") from error

    def evaluate(self, parameters: Mapping[str, Any]) -> Verdict:
        """Hold a call's parameters against the schema; the reason names the place, never the value.

        Parameters that JSON cannot hold are refused: the library would read NaN as null and let it pass.
        """
        try:
            call = dict(parameters) if _is_plain(parameters) else decode(encode(dict(parameters)))
        except MalformedDocument:
            return fails(Reason("parameters.refused", {"problem": "the call is not JSON"}))
        if self._schema.is_valid(call):
            return holds()
        first = next(self._schema.iter_errors(call))
        place = "/".join(map(str, first.instance_path)) or "the call"
        rule = str(first.schema_path[-1]) if first.schema_path else "schema"
        return fails(Reason("parameters.refused", {"problem": f"{place} breaks the rule {rule}"}))


def _is_plain(parameters: Mapping[str, Any]) -> bool:
    """Tell, for what most calls say, that it is JSON without writing and reading it as JSON."""
    return all(type(name) is str and name.isascii() and _is_plain_value(parameters[name]) for name in parameters)


def _is_plain_value(value: Any) -> bool:
    if type(value) is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER
    return value is None or type(value) is bool or (type(value) is str and value.isascii())


def _refuse_outside(value: Any) -> None:
    if isinstance(value, dict):
        for name in _REFERENCES:
            if not str(value.get(name, "#")).startswith("#"):
                raise MalformedDocument("A schema refers to nothing outside itself.", code="parameters.reference")
        if value.get("$schema", _DIALECT) != _DIALECT:
            raise MalformedDocument("A schema is of the dialect 2020-12.", code="parameters.dialect")
        if isinstance(value.get("$id"), str):
            raise MalformedDocument("A schema has no address of its own here.", code="parameters.reference")
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            _refuse_outside(member)
