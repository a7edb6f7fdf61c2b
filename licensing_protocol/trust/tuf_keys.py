"""Keys as TUF metadata writes them: their names are recomputed, and one public key has one name (protocol §2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from securesystemslib.signer import KEY_TYPE_MLDSA, SSlibKey

from licensing_protocol import keys
from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields
from licensing_protocol.keys import VerificationKey

_ED25519: Final = ("ed25519", "ed25519")
_P256: Final = ("ecdsa", "ecdsa-sha2-nistp256")
_MLDSA65: Final = (KEY_TYPE_MLDSA, "ml-dsa-65/1")
MOST_KEYS: Final = 64


@dataclass(frozen=True, slots=True)
class TufKey:
    """One key of the metadata: ``verification`` is absent for ML-DSA, which signs metadata and no documents."""

    keyid: str
    octets: bytes
    verification: VerificationKey | None

    @classmethod
    def parse(cls, value: Any) -> TufKey:
        """Read a key, and recompute its name.

        Raises:
            MalformedDocument: ``root.key`` for another kind than Ed25519, P-256 and ML-DSA-65, a field code, or
                ``key.malformed``.
        """
        fields = Fields(value, "key")
        kind = (fields.text("keytype"), fields.text("scheme"))
        keyval = fields.object("keyval")
        public = keyval.text("public")
        keyval.end()
        if kind == _ED25519:
            return cls._of_document_signer(_ed25519(public))
        if kind == _P256:
            return cls._of_document_signer(VerificationKey.from_public(keys.public_from_pem(public)))
        if kind == _MLDSA65:
            read = keys.public_from_pem(public)
            return cls(SSlibKey.from_crypto(read).keyid, keys.mldsa65_octets(read), None)
        raise MalformedDocument("A key of the root is Ed25519, P-256 or ML-DSA-65.", code="root.key")

    @classmethod
    def _of_document_signer(cls, key: VerificationKey) -> TufKey:
        return cls(key.thumbprint, key.thumbprint.encode("ascii"), key)


def read_keys(fields: Fields, name: str = "keys") -> dict[str, TufKey]:
    """Read the member that names keys by id.

    Raises:
        MalformedDocument: ``root.keyid`` where an id is not the key's own, ``root.key_twice`` where one public key
            stands under two ids.
    """
    read = {keyid: TufKey.parse(value) for keyid, value in fields.members(name, most=MOST_KEYS)}
    if len({key.octets for key in read.values()}) != len(read):
        # python-tuf alone would count its one signature twice.
        raise MalformedDocument("One public key stands under two key ids.", code="root.key_twice")
    for keyid, key in read.items():
        if key.keyid != keyid:
            raise MalformedDocument(f"The key id {keyid} is not the name of its key.", code="root.keyid")
    return read


def write_keys(*written: VerificationKey) -> JsonObject:
    """Return keys as metadata names them."""
    spelled = (SSlibKey.from_crypto(key.public, keyid=key.thumbprint) for key in written)
    return {key.keyid: key.to_dict() for key in spelled}


def _ed25519(public: str) -> VerificationKey:
    try:
        octets = bytes.fromhex(public)
    except ValueError as error:
        raise MalformedDocument("An Ed25519 key is written in hexadecimal.", code="key.malformed") from error
    return VerificationKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": to_base64url(octets)})
