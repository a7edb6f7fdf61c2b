"""Keys and signers. A key knows its one algorithm; callers hold signers, never private keys (protocol §1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from licensing_protocol import edwards25519
from licensing_protocol.canonical import JsonObject, digest, encode, to_base64url
from licensing_protocol.errors import BadSignature, MalformedDocument
from licensing_protocol.fields import Fields

EDDSA: Final = "EdDSA"
ES256: Final = "ES256"
_COORDINATE_BYTES = 32


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key bound to its algorithm: Ed25519 to ``EdDSA``, P-256 to ``ES256``.

    Equal keys have equal thumbprints (RFC 7638, SHA-256, base64url), and ``jwk`` holds the required members only.
    """

    algorithm: str
    thumbprint: str
    jwk: JsonObject = field(compare=False)
    public: Any = field(compare=False)

    @classmethod
    def from_jwk(cls, value: Any, *, kept: bool = False) -> VerificationKey:
        """Read a public JWK (RFC 7517, RFC 8037).

        One that was read before and ``kept`` where nobody else writes is not examined again for a sound point, which
        takes ten times as long as all the rest.

        Raises:
            MalformedDocument: ``key.private`` if a private member is present, ``key.malformed`` for anything but a
                sound Ed25519 or P-256 point, ``key.algorithm`` if ``alg`` or ``use`` names another purpose.
        """
        fields = Fields(value, "jwk")
        if fields.has("d"):
            raise MalformedDocument("A private key was sent where a public key belongs.", code="key.private")
        key = _public_from_fields(fields, kept)
        for name, wanted in (("alg", key.algorithm), ("use", "sig"), ("kid", key.thumbprint)):
            if fields.has(name) and fields.take(name) != wanted:
                raise MalformedDocument(f"The JWK's {name} does not fit its key.", code="key.algorithm")
        return key

    @classmethod
    def from_public(cls, public: Any) -> VerificationKey:
        """Wrap a public key object of the ``cryptography`` library."""
        if isinstance(public, ed25519.Ed25519PublicKey):
            jwk = {"crv": "Ed25519", "kty": "OKP", "x": to_base64url(public.public_bytes_raw())}
            return cls(EDDSA, _thumbprint(jwk), jwk, public)
        if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
            point = public.public_numbers()
            x, y = (to_base64url(number.to_bytes(_COORDINATE_BYTES, "big")) for number in (point.x, point.y))
            jwk = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
            return cls(ES256, _thumbprint(jwk), jwk, public)
        raise MalformedDocument("Only Ed25519 and P-256 keys are used here.", code="key.malformed")


class Signer(Protocol):
    """Something that signs with one key: a file, a TPM or an HSM stands behind it."""

    @property
    def key(self) -> VerificationKey:
        """The public half."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte JWS signature (RFC 7518 §3.4, RFC 8037 §3.1) over ``message``."""


class SoftwareSigner:
    """A signer whose private key is in this process's memory."""

    def __init__(self, private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        self._key = VerificationKey.from_public(private.public_key())

    @classmethod
    def generate(cls, algorithm: str = EDDSA) -> SoftwareSigner:
        """Make a fresh key for ``EdDSA`` or ``ES256``."""
        if algorithm == ES256:
            return cls(ec.generate_private_key(ec.SECP256R1()))
        return cls(ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: bytes | None = None) -> SoftwareSigner:
        """Read a PKCS#8 PEM private key.

        Raises:
            MalformedDocument: ``key.unreadable`` for a wrong passphrase, or bytes that are no such key.
        """
        private = private_from_pem(pem, passphrase)
        if not isinstance(private, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
            raise MalformedDocument("Only Ed25519 and P-256 keys are used here.", code="key.malformed")
        return cls(private)

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """Return the private key as PKCS#8 PEM, encrypted where a passphrase is given."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase)
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self._private.private_bytes(pem, pkcs8, encryption)

    @property
    def key(self) -> VerificationKey:
        """The public half."""
        return self._key

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte JWS signature over ``message``."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(message)
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")


class KeySet:
    """Verification keys by thumbprint; sets of the same keys are equal."""

    def __init__(self, *keys: VerificationKey) -> None:
        self._by_thumbprint = {key.thumbprint: key for key in keys}

    @classmethod
    def from_jwks(cls, value: Any, *, most: int = 64) -> KeySet:
        """Read a JWK Set (RFC 7517 §5)."""
        return cls(*(VerificationKey.from_jwk(jwk) for jwk in Fields(value, "jwks").list_of("keys", most=most)))

    def to_jwks(self) -> JsonObject:
        """Return the JWK Set, sorted by thumbprint."""
        return {"keys": [self._by_thumbprint[kid].jwk for kid in sorted(self._by_thumbprint)]}

    def get(self, thumbprint: str) -> VerificationKey | None:
        """Return the key of that thumbprint, or ``None``."""
        return self._by_thumbprint.get(thumbprint)

    def __iter__(self) -> Iterator[VerificationKey]:
        return iter(self._by_thumbprint.values())

    def __len__(self) -> int:
        return len(self._by_thumbprint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeySet) and self._by_thumbprint.keys() == other._by_thumbprint.keys()

    def __hash__(self) -> int:
        return hash(frozenset(self._by_thumbprint))


def verify_ed25519(public: bytes, signature: bytes, message: bytes) -> None:
    """Verify a signature (RFC 8032) under the 32 bytes of a sound public key.

    Raises:
        BadSignature: it does not verify.
    """
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature as error:
        raise BadSignature("The signature does not verify under this key.") from error


def private_from_pem(pem: bytes, passphrase: bytes | None = None) -> Any:
    """Read a private key (PKCS#8) of any algorithm.

    Raises:
        MalformedDocument: ``key.unreadable`` for a wrong passphrase, or bytes that are no such key.
    """
    try:
        return serialization.load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        sentence = "The private key cannot be read; look at the passphrase and the file."
        raise MalformedDocument(sentence, code="key.unreadable") from error


def public_from_pem(pem: str) -> Any:
    """Read a public key (SubjectPublicKeyInfo) of any algorithm.

    Raises:
        MalformedDocument: ``key.malformed``.
    """
    try:
        return serialization.load_pem_public_key(pem.encode("utf-8"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MalformedDocument("The public key's PEM cannot be read.", code="key.malformed") from error


def mldsa65_octets(public: Any) -> bytes:
    """Return the bytes of an ML-DSA-65 public key (FIPS 204).

    Raises:
        MalformedDocument: ``key.malformed`` for a key of another algorithm.
    """
    if not isinstance(public, mldsa.MLDSA65PublicKey):
        raise MalformedDocument("This is no ML-DSA-65 key.", code="key.malformed")
    return public.public_bytes_raw()


def _thumbprint(jwk: JsonObject) -> str:
    return to_base64url(digest(encode(jwk)))


def _public_from_fields(fields: Fields, kept: bool) -> VerificationKey:
    kind = (fields.text("kty"), fields.text("crv"))
    try:
        if kind == ("OKP", "Ed25519"):
            point = fields.octets("x")
            if not kept and not edwards25519.is_sound(point):
                raise MalformedDocument("The JWK holds no sound point of Ed25519.", code="key.malformed")
            return VerificationKey.from_public(ed25519.Ed25519PublicKey.from_public_bytes(point))
        if kind == ("EC", "P-256"):
            spelled = [fields.octets(name) for name in ("x", "y")]
            x, y = (int.from_bytes(octets, "big") for octets in spelled)
            key = VerificationKey.from_public(ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())
            # The library reduces a coordinate, which would give one key two spellings.
            if [key.jwk["x"], key.jwk["y"]] != list(map(to_base64url, spelled)):
                raise MalformedDocument("The JWK's coordinates are not reduced.", code="key.malformed")
            return key
    except ValueError as error:
        raise MalformedDocument("The JWK holds no point of its curve.", code="key.malformed") from error
    raise MalformedDocument("Only Ed25519 and P-256 keys are used here.", code="key.malformed")
