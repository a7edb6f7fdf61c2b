"""How the text formats of C2SP write numbers and hashes: one spelling each."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.log.merkle import HASH_BYTES

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
MAX_SIZE: Final = 2**63 - 1


def decimal(text: str, code: str) -> int:
    """Read a number below 2^63 without leading zeroes; MalformedDocument with ``code`` for anything else."""
    if _DECIMAL.fullmatch(text) and int(text) <= MAX_SIZE:
        return int(text)
    raise MalformedDocument("A number is written in decimal, without leading zeroes, and below 2^63.", code=code)


def from_base64(text: str, code: str) -> bytes:
    """Read RFC 4648 §4 base64 with its padding; MalformedDocument with ``code`` for any other spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or to_base64(data) != text:
        raise MalformedDocument("Not base64 in its one spelling (RFC 4648, section 4, padded).", code=code)
    return data


def to_base64(data: bytes) -> str:
    """Return RFC 4648 §4 base64."""
    return base64.b64encode(data).decode("ascii")


def hash_line(text: str, code: str) -> bytes:
    """Read one SHA-256 hash; MalformedDocument with ``code`` for anything else."""
    found = from_base64(text, code)
    if len(found) != HASH_BYTES:
        raise MalformedDocument(f"A hash has {HASH_BYTES} bytes.", code=code)
    return found
