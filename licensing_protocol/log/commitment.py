"""Salted commitments: what an entry holds in place of a value that could name somebody (protocol §8).

The value and its salt lie beside the log. Whoever is shown both can see that they are those of the entry; once they are
erased, nobody can ever tell again what the entry committed to.
"""

from __future__ import annotations

from typing import Any, Final

from licensing_protocol.canonical import digest, encode
from licensing_protocol.errors import BrokenChain

SALT_BYTES: Final = 32
_LABEL: Final = b"interlock/commit/1"


def commitment(type: str, field: str, salt: bytes, value: Any) -> bytes:
    """Return the commitment to a value in a field of an entry of this type."""
    return digest(_LABEL, salt, encode([type, field, value]))


def verify_commitment(committed: bytes, type: str, field: str, salt: bytes, value: Any) -> None:
    """Verify that this is the value to which an entry of this type commits in this field.

    Raises:
        BrokenChain: ``commitment.value``. MalformedDocument: the value is none of JSON.
    """
    if len(salt) != SALT_BYTES or commitment(type, field, salt, value) != committed:
        raise BrokenChain(f"This is not the value of {field!r} to which the entry commits.", code="commitment.value")
