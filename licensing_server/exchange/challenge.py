"""Challenges: nonces that the server need not remember (protocol §9)."""

from __future__ import annotations

import hashlib
import hmac

from licensing_protocol.canonical import from_base64url, to_base64url
from licensing_protocol.errors import MalformedDocument

_TIME_BYTES = 8
_MAC_BYTES = 32


def challenge(key: bytes, device: str, now: int) -> str:
    """Return a nonce for a device: the time (seconds), and a MAC over device and time."""
    stamp = now.to_bytes(_TIME_BYTES, "big")
    return to_base64url(stamp + _mac(key, device, stamp))


def issued_at(key: bytes, device: str, nonce: str) -> int | None:
    """Return when a challenge was given to this device (seconds), ``None`` where it is none of ours."""
    try:
        data = from_base64url(nonce)
    except MalformedDocument:
        return None
    stamp, mac = data[:_TIME_BYTES], data[_TIME_BYTES:]
    if len(mac) != _MAC_BYTES or not hmac.compare_digest(mac, _mac(key, device, stamp)):
        return None
    return int.from_bytes(stamp, "big")


def _mac(key: bytes, device: str, stamp: bytes) -> bytes:
    return hmac.new(key, stamp + device.encode(), hashlib.sha256).digest()
