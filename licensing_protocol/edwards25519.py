"""Which 32 bytes are an Ed25519 public key that proves anything (RFC 8032 §5.1.3).

The signature library takes any 32 bytes. Among them are points of small order, under which one signature fits every
message, and second spellings of a point, which would give one key two thumbprints.
"""

from __future__ import annotations

from typing import Final

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_SIGN_BIT: Final = 2**255


def is_sound(encoded: bytes) -> bool:
    """Tell whether 32 bytes are the canonical encoding of a point of the curve whose order is not small."""
    y = int.from_bytes(encoded, "little") % _SIGN_BIT
    if y >= _P:
        return False
    # x² is u / v. To divide is slow, and not needed: v is never 0 (-1 / d is no square), and so u * v is a square
    # where u / v is.
    y_squared = y * y % _P
    u, v = y_squared - 1, _D * y_squared + 1
    # Order 1 or 2: x is 0. Order 4: y is 0. Order 8: the double has order 4, so x² + y² is 0.
    if u == 0 or y == 0 or (u + y_squared * v) % _P == 0:
        return False
    return pow(u * v, (_P - 1) // 2, _P) == 1
