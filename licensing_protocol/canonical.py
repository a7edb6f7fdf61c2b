"""The bytes: canonical JSON out (RFC 8785), strictly decoded JSON in, canonical base64url both ways.

This is the only place that decodes JSON. Bytes pass through here before any library sees them, so that no two
readers of one document can understand it differently (protocol §1).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

import rfc8785

from licensing_protocol.errors import MalformedDocument

JsonObject: TypeAlias = dict[str, Any]

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1
_MAX_INTEGER_DIGITS = 17
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HOLDERS = frozenset({dict, list})
_ATOMS = frozenset({str, bool, type(None)})
# Writes RFC 8785 where no number has a fraction and the names sort alike by code points and by UTF-16.
_PLAIN = json.JSONEncoder(ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":"))


def encode(value: Any) -> bytes:
    """Return the RFC 8785 (JCS) bytes of a JSON value.

    Raises:
        MalformedDocument: ``json.unencodable`` for NaN, infinities, numbers of 2^53 and more, lone surrogates, or
            values that JSON does not have; ``json.depth`` for more than 32 levels. What is encoded can be decoded.
    """
    try:
        if _is_plain(value, 1):
            return _PLAIN.encode(value).encode("utf-8")
        _refuse_what_decoding_refuses(value, 1)
        encoded: bytes = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        sentence = f"This value has no canonical JSON form: {error}."
        raise MalformedDocument(sentence, code="json.unencodable") from error
    return encoded


def decode(data: bytes) -> Any:
    """Decode JSON bytes strictly.

    Raises:
        MalformedDocument: with the code ``json.encoding`` (not UTF-8, or a lone surrogate), ``json.duplicate_name``,
            ``json.number`` (NaN, infinite, or of 2^53 and more), ``json.depth`` (over 32) or
            ``json.syntax``.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedDocument("JSON must be UTF-8.", code="json.encoding") from error
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_safe_integer,
        )
    except json.JSONDecodeError as error:
        sentence = f"Not JSON: {error.msg} at character {error.pos}."
        raise MalformedDocument(sentence, code="json.syntax") from error
    except RecursionError as error:
        raise _too_deep() from error
    _refuse_depth(value)
    if "\\u" in text:
        # Without an escape no string can hold half of a surrogate pair, for that has no UTF-8.
        _refuse_surrogates(value)
    return value


def decode_object(data: bytes) -> JsonObject:
    """Decode JSON bytes that must be one object; otherwise as :func:`decode`, or ``json.not_an_object``."""
    value = decode(data)
    if not isinstance(value, dict):
        raise MalformedDocument("A JSON object was expected here.", code="json.not_an_object")
    return value


def to_base64url(data: bytes) -> str:
    """Return unpadded base64url (RFC 4648 §5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Decode canonical unpadded base64url.

    Raises:
        MalformedDocument: ``base64url.malformed`` for padding, foreign characters or stray bits: each byte string has
            exactly one spelling, so that an identity cannot be respelled.
    """
    if _BASE64URL.fullmatch(text):
        try:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except binascii.Error:
            data = None
        if data is not None and to_base64url(data) == text:
            return data
    raise MalformedDocument("Not canonical unpadded base64url.", code="base64url.malformed")


def digest(*parts: bytes) -> bytes:
    """Return SHA-256 over the parts, one after another (labels in ASCII, all else raw: protocol §1)."""
    return hashlib.sha256(b"".join(parts)).digest()


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> JsonObject:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise MalformedDocument("A JSON object names a member twice.", code="json.duplicate_name")
    return names


def _refuse_constant(constant: str) -> NoReturn:
    raise MalformedDocument(f"{constant} is not JSON.", code="json.number")


def _finite_float(literal: str) -> float:
    number = float(literal)
    if abs(number) > MAX_INTEGER:
        raise _too_large("json.number")
    return number


def _safe_integer(literal: str) -> int:
    if len(literal) <= _MAX_INTEGER_DIGITS:
        number = int(literal)
        if abs(number) <= MAX_INTEGER:
            return number
    raise _too_large("json.number")


def _too_large(code: str) -> MalformedDocument:
    # Every double of 2^53 and more is an integer, and its canonical form is that integer's digits.
    return MalformedDocument("A number of 2^53 or more must be written as a decimal string.", code=code)


def _too_deep() -> MalformedDocument:
    return MalformedDocument(f"JSON nested deeper than {MAX_DEPTH} levels.", code="json.depth")


def _refuse_depth(value: Any) -> None:
    """Refuse what lies too deep, level by level."""
    level, depth = [value], 0
    while level := [holder for holder in level if type(holder) in _HOLDERS]:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        level = [member for holder in level for member in (holder.values() if type(holder) is dict else holder)]


def _refuse_surrogates(value: Any) -> None:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise MalformedDocument("A string holds half of a surrogate pair.", code="json.encoding")
    elif isinstance(value, dict | list):
        for member in _members(value, 1):
            _refuse_surrogates(member)


def _is_plain(value: Any, depth: int) -> bool:
    """Tell whether a value is of the usual kind, which the standard library writes canonically and many times faster.

    Subclasses, floats, names beyond ASCII, and what is to be refused are not. Whether a string can be written in UTF-8
    shows when it is.
    """
    kind = type(value)
    if kind in _ATOMS:
        return True
    if kind is int:
        return bool(-MAX_INTEGER <= value <= MAX_INTEGER)
    if kind is dict:
        members = value.values()
        if not all(type(name) is str and name.isascii() for name in value):
            return False
    elif kind is list:
        members = value
    else:
        return False
    return depth <= MAX_DEPTH and all(type(member) is str or _is_plain(member, depth + 1) for member in members)


def _refuse_what_decoding_refuses(value: Any, depth: int) -> None:
    if isinstance(value, float):
        if abs(value) > MAX_INTEGER:
            raise _too_large("json.unencodable")
    elif isinstance(value, dict | list | tuple):
        for member in _members(value, depth):
            _refuse_what_decoding_refuses(member, depth + 1)


def _members(value: Mapping[Any, Any] | Sequence[Any], depth: int) -> Iterator[Any]:
    """Yield the names and values of an object, or the members of a list, that lies at most ``MAX_DEPTH`` deep."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, Mapping):
        yield from value
        yield from value.values()
    else:
        yield from value
