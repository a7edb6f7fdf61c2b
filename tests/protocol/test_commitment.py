"""A commitment is to one value, in one field, of one type of entry, under one salt."""

from __future__ import annotations

import hashlib

import pytest

from licensing_protocol.errors import BrokenChain
from licensing_protocol.log.commitment import commitment, verify_commitment

SALT = bytes(range(32))
COMMITTED = commitment("party.added", "name", SALT, "Office of Lakes")


def test_a_commitment_is_what_the_protocol_says() -> None:
    text = b'["party.added","name","Office of Lakes"]'
    assert hashlib.sha256(b"interlock/commit/1" + SALT + text).digest() == COMMITTED
    verify_commitment(COMMITTED, "party.added", "name", SALT, "Office of Lakes")


@pytest.mark.parametrize(
    ("type", "field", "salt", "value"),
    [
        ("party.changed", "name", SALT, "Office of Lakes"),
        ("party.added", "note", SALT, "Office of Lakes"),
        ("party.added", "name", SALT[::-1], "Office of Lakes"),
        ("party.added", "name", SALT[:16], "Office of Lakes"),
        ("party.added", "name", SALT, "Office of Parks"),
    ],
)
def test_anything_else_is_refused(type: str, field: str, salt: bytes, value: str) -> None:
    with pytest.raises(BrokenChain) as caught:
        verify_commitment(COMMITTED, type, field, salt, value)
    assert caught.value.code == "commitment.value"
