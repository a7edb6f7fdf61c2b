"""Keys and documents for the vectors, sound and unsound: the unsound ones cannot be made with the protocol's own doors.

Everything is derived from fixed labels. What is not the same on every machine (ECDSA signatures, zlib streams) is
remembered in ``stored.json`` by the digest of what it was made from, so that making the vectors again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from licensing_protocol.canonical import JsonObject, decode_object, encode, to_base64url
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.token import TokenType

FOLDER: Final = Path(__file__).parent
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
NOW: Final = 1_790_000_000  # Monday 2026-09-21 14:13:20 UTC
_STORED: Final = FOLDER / "stored.json"


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def digest_of(label: str) -> str:
    """Return a base64url digest that stands for something of this name."""
    return to_base64url(sha256(b"interlock/vectors/", label.encode()))


def seed(name: str) -> bytes:
    return sha256(b"interlock/vectors/key/", name.encode())


def ed25519_signer(name: str) -> SoftwareSigner:
    return SoftwareSigner(ed25519.Ed25519PrivateKey.from_private_bytes(seed(name)))


def p256_signer(name: str) -> SoftwareSigner:
    return SoftwareSigner(ec.derive_private_key(int.from_bytes(seed(name), "big") % P256_ORDER, ec.SECP256R1()))


EXPORTER: Final = ed25519_signer("exporter")
VENDOR: Final = ed25519_signer("vendor")
DEVICE: Final = ed25519_signer("device")
TPM: Final = p256_signer("tpm")
STRANGER: Final = ed25519_signer("stranger")
SIGNERS: Final = {"exporter": EXPORTER, "vendor": VENDOR, "device": DEVICE, "tpm": TPM, "stranger": STRANGER}
JWKS: Final[JsonObject] = {"keys": [EXPORTER.key.jwk, TPM.key.jwk]}


def published_keys() -> JsonObject:
    """Return the public keys by name, each with the secret that makes it again."""
    return {name: {"jwk": signer.key.jwk, "secret": to_base64url(seed(name))} for name, signer in SIGNERS.items()}


class Memory:
    """What was made once and is kept: by the kind, and the digest of what it was made from."""

    def __init__(self) -> None:
        self._kept: JsonObject = decode_object(_STORED.read_bytes()) if _STORED.exists() else {}
        self._used: JsonObject = {}

    def recall(self, kind: str, source: bytes, made: str) -> str:
        """Return what was kept for this source; keep ``made`` where there is nothing."""
        name = f"{kind}:{to_base64url(sha256(source))}"
        return str(self._used.setdefault(name, self._kept.get(name, made)))

    def text(self) -> str:
        """Return what the file holds of that which was used."""
        return json.dumps(self._used, indent=1, sort_keys=True) + "\n"


MEMORY: Final = Memory()


def signature(message: bytes, signer: SoftwareSigner) -> bytes:
    """Return a signature that is the same at every making; one by ECDSA has a low *s*."""
    made = signer.sign(message)
    if signer.key.algorithm == "ES256":
        kept = MEMORY.recall("es256", message, to_base64url(with_s(made, high=False)))
        return decode_base64url(kept)
    return made


def with_s(signed: bytes, *, high: bool) -> bytes:
    """Return the ECDSA signature with the high or the low of its two values of *s*."""
    s = int.from_bytes(signed[32:], "big")
    other = P256_ORDER - s
    return signed[:32] + (max(s, other) if high else min(s, other)).to_bytes(32, "big")


def decode_base64url(text: str) -> bytes:
    # Not the protocol's own door: vectors hold texts that it refuses.
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def header(signer: SoftwareSigner, typ: TokenType, **changes: Any) -> JsonObject:
    return {"alg": signer.key.algorithm, "kid": signer.key.thumbprint, "typ": typ.value} | changes


def compact(head: Mapping[str, Any] | bytes, claims: Any, signer: SoftwareSigner) -> str:
    """Return a compact JWS of any header and payload (bytes stand for themselves)."""
    segments = (part if isinstance(part, bytes) else encode(part) for part in (head, claims))
    signing_input = ".".join(map(to_base64url, segments))
    return f"{signing_input}.{to_base64url(signature(signing_input.encode(), signer))}"


def signed(claims: Any, typ: TokenType, signer: SoftwareSigner = EXPORTER) -> str:
    """Return a compact JWS with the right header."""
    extra = {"jwk": signer.key.jwk} if typ is TokenType.ENROLLMENT else {}
    return compact(header(signer, typ, **extra), claims, signer)


def identity(text: str) -> str:
    return to_base64url(sha256(text.rpartition(".")[0].encode()))


def deflated(data: bytes) -> bytes:
    """Return a zlib stream that is the same at every making, whichever library makes it."""
    return decode_base64url(MEMORY.recall("zlib", data, to_base64url(zlib.compress(data, 9))))


def accepted(name: str, comment: str, question: JsonObject, **result: Any) -> JsonObject:
    return {"name": name, "comment": comment, "input": question, "result": {"accepted": True, **result}}


def refused(name: str, comment: str, question: JsonObject, code: str) -> JsonObject:
    return {"name": name, "comment": comment, "input": question, "result": {"accepted": False, "code": code}}


def without(claims: Mapping[str, Any], *names: str) -> JsonObject:
    return {name: value for name, value in claims.items() if name not in names}
