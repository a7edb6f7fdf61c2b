"""Verbs for what is hashed or compared: JSON, keys, journals, trees, patterns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from licensing_protocol.canonical import JsonObject, decode, encode, from_base64url, to_base64url
from licensing_protocol.fields import Fields
from licensing_protocol.journal import Event, first_head, follow
from licensing_protocol.keys import VerificationKey
from licensing_protocol.limits.iregexp import Pattern
from licensing_protocol.measurement import TreeLeaf, tree_digest
from tests.conformance.verb import Verb, asked, maybe, string

_MOST = 100_000
_MOST_TEXT = 1000
_MODES = 0o7777


def _json(question: JsonObject) -> JsonObject:
    """Decode bytes strictly and write them canonically: ``{bytes}`` → ``{canonical}``, both base64url."""
    text = asked(question, lambda fields: string(fields, "bytes"))
    return {"canonical": to_base64url(encode(decode(from_base64url(text))))}


def _key(question: JsonObject) -> JsonObject:
    """Read a public key: ``{jwk}`` → ``{thumbprint, algorithm, head}`` (the head of its empty journal)."""
    key = VerificationKey.from_jwk(asked(question, lambda fields: fields.take("jwk")))
    head = to_base64url(first_head(key.thumbprint))
    return {"thumbprint": key.thumbprint, "algorithm": key.algorithm, "head": head}


def _journal(question: JsonObject) -> JsonObject:
    """Follow a journal: ``{events, start, first?}`` → ``{head}``; ``first`` defaults to the first event's number."""
    values, start, first = asked(
        question,
        lambda fields: (
            fields.list_of("events", most=_MOST),
            fields.octets("start"),
            maybe(fields, "first", lambda name: fields.integer(name, least=1)),
        ),
    )
    events = [Event.parse(value) for value in values]
    return {"head": to_base64url(follow(start, first or _number_of_the_first(events), events))}


def _number_of_the_first(events: Sequence[Event]) -> int:
    return events[0].sequence if events else 1


def _tree(question: JsonObject) -> JsonObject:
    """Digest a tree of files: ``{leaves: [{path, kind, mode, digest}]}`` → ``{digest}``; ``path`` is base64url."""
    values = asked(question, lambda fields: fields.list_of("leaves", most=_MOST))
    return {"digest": to_base64url(tree_digest(map(_leaf, values)))}


def _leaf(value: Any) -> TreeLeaf:
    return asked(
        value,
        lambda fields: TreeLeaf(
            from_base64url(fields.text("path")),
            _kind(fields),
            fields.integer("mode", most=_MODES),
            fields.octets("digest"),
        ),
    )


def _kind(fields: Fields) -> str:
    kind = fields.text("kind")
    if kind not in {"f", "l"}:
        fields.refuse("kind", "field.range", "must be f or l")
    return kind


def _pattern(question: JsonObject) -> JsonObject:
    """Match a whole text against an RFC 9485 pattern: ``{pattern, text}`` → ``{matches}``."""
    source, text = asked(
        question, lambda fields: (string(fields, "pattern"), string(fields, "text", longest=_MOST_TEXT))
    )
    return {"matches": Pattern.parse(source).matches(text)}


VERBS: Final[dict[str, Verb]] = {
    "json": _json,
    "key": _key,
    "journal": _journal,
    "tree": _tree,
    "pattern": _pattern,
}
