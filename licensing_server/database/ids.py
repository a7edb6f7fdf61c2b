"""Opaque ids and secrets: random, and told apart from names of people and things."""

from __future__ import annotations

import hashlib
import secrets

_ID_BYTES = 16
_SECRET_BYTES = 32


def new_id(kind: str) -> str:
    """Return an opaque id such as ``party_…`` with 128 random bits."""
    return f"{kind}_{secrets.token_urlsafe(_ID_BYTES)}"


def new_secret() -> str:
    """Return 256 random bits as text, to be shown once and never stored."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def secret_hash(secret: str) -> str:
    """Return what is stored of a secret. It has 256 random bits, so one plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()
