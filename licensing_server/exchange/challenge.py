"""Challenges: nonces that the server need not remember (protocol §9)."""

from __future__ import annotations

import hashlib
import hmac

from licensing_protocol.canonical import to_base64url

_TIME_BYTES = 8


def challenge(key: bytes, device: str, now: int) -> str:
    """Return a nonce for a device: the time (seconds), and a MAC over device and time."""
    stamp = now.to_bytes(_TIME_BYTES, "big")
    return to_base64url(stamp + hmac.new(key, stamp + device.encode(), hashlib.sha256).digest())
