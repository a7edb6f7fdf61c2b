"""The id of a device, which its first key gives it (protocol §9)."""

from __future__ import annotations

from typing import Final

from licensing_protocol.canonical import from_base64url, to_base64url
from licensing_protocol.keys import VerificationKey

RANDOM_UEID: Final = b"\x01"


def device_id(key: VerificationKey) -> str:
    """Return the id of the device whose first key this is: its EAT ``ueid`` (RFC 9711 §4.2.1, type RAND)."""
    return to_base64url(RANDOM_UEID + from_base64url(key.thumbprint))
