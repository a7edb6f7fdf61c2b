"""Signed documents: compact JWS with a fixed header, a type for each purpose, and an identity (protocol §1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from jwt.api_jws import PyJWS

from licensing_protocol.canonical import JsonObject, decode_object, digest, encode, from_base64url, to_base64url
from licensing_protocol.errors import BadSignature, MalformedDocument, OversizedDocument, UnknownKey, WrongDocument
from licensing_protocol.fields import Fields
from licensing_protocol.keys import KeySet, Signer, VerificationKey


class TokenType(StrEnum):
    """The ``typ`` of a document: it separates domains, so that no signature serves for another purpose."""

    PRODUCT = "product+jwt"
    ENTITLEMENT = "entitlement+jwt"
    STATUS_LIST = "statuslist+jwt"
    EVIDENCE = "eat+jwt"
    RECEIPT = "receipt+jwt"
    REFUSAL = "refusal+jwt"
    ENROLLMENT = "enrollment+jwt"
    APPRAISAL = "ear+jwt"
    TRUST = "trust+jwt"


_DEFAULT_BYTES: Final = 64 * 1024
_LARGER: Final = {TokenType.ENTITLEMENT: 1024 * 1024, TokenType.STATUS_LIST: 512 * 1024}
_SEGMENTS: Final = 3
_SIGNATURE_BYTES: Final = 64
_JWS = PyJWS()


def size_limit(typ: TokenType) -> int:
    """Return the most bytes that a document of this type may have in compact form."""
    return _LARGER.get(typ, _DEFAULT_BYTES)


@dataclass(frozen=True, slots=True)
class Token:
    """A document whose signature has been verified.

    ``identity`` is base64url of SHA-256 over the JWS signing input: "same" and "different" compare it, never
    ``text`` (an ECDSA signature over one document can be written in more than one way).
    """

    typ: TokenType
    claims: JsonObject
    key: VerificationKey
    identity: str
    text: str


@dataclass(frozen=True, slots=True)
class _Parsed:
    algorithm: str
    kid: str
    jwk: VerificationKey | None
    payload: bytes
    signature: bytes
    identity: str


def sign(claims: JsonObject, typ: TokenType, signer: Signer) -> str:
    """Return the compact JWS of ``claims``; an enrolment also carries the new key as ``jwk``.

    Raises:
        OversizedDocument: the result exceeds :func:`size_limit`.
        MalformedDocument: the claims have no canonical JSON form.
    """
    signing_input = f"{first_segment(typ, signer.key)}.{to_base64url(encode(claims))}"
    text = f"{signing_input}.{to_base64url(signer.sign(signing_input.encode('ascii')))}"
    _refuse_oversize(text, typ)
    return text


def first_segment(typ: TokenType, key: VerificationKey) -> str:
    """Return how every document of one type begins that one key signed (and an enrolment of that key)."""
    header: JsonObject = {"alg": key.algorithm, "kid": key.thumbprint, "typ": typ.value}
    if typ is TokenType.ENROLLMENT:
        header["jwk"] = key.jwk
    return to_base64url(encode(header))


def verify(text: str, typ: TokenType, keys: KeySet) -> Token:
    """Verify a document of the expected type under the key that it names.

    Raises:
        OversizedDocument, MalformedDocument: the bytes are not such a document.
        WrongDocument: ``token.wrong_type``.
        UnknownKey: its ``kid`` is not among ``keys``.
        BadSignature: the signature does not verify.
    """
    parsed = _parse(text, typ)
    key = keys.get(parsed.kid)
    if key is None:
        raise UnknownKey(f"No trusted key of this purpose has the thumbprint {parsed.kid}.")
    return _verified(text, typ, parsed, key)


def verify_enrollment(text: str) -> Token:
    """Verify an enrolment under the key in its own header: it proves possession of that key and nothing else."""
    parsed = _parse(text, TokenType.ENROLLMENT)
    if parsed.jwk is None or parsed.jwk.thumbprint != parsed.kid:
        raise MalformedDocument("The enrolment's kid is not the thumbprint of its jwk.", code="token.header")
    return _verified(text, TokenType.ENROLLMENT, parsed, parsed.jwk)


def identity(text: str) -> str:
    """Return the identity of a compact JWS that is already known to be well-formed."""
    return to_base64url(digest(text.rpartition(".")[0].encode("ascii")))


def claimed_key(text: str, typ: TokenType) -> str:
    """Return the thumbprint of the key that a document of this type names, before anything is verified.

    Raises:
        OversizedDocument, MalformedDocument, WrongDocument: as :func:`verify`.
    """
    return _parse(text, typ).kid


def _parse(text: str, typ: TokenType) -> _Parsed:
    _refuse_oversize(text, typ)
    segments = text.split(".")
    if len(segments) != _SEGMENTS:
        raise MalformedDocument("A compact JWS has three segments.", code="token.segments")
    header, payload, signature = (from_base64url(segment) for segment in segments)
    if len(signature) != _SIGNATURE_BYTES:
        raise MalformedDocument("An EdDSA or ES256 signature has 64 bytes.", code="token.signature_length")
    algorithm, kid, jwk = _header(header, typ)
    return _Parsed(algorithm, kid, jwk, payload, signature, identity(text))


def _header(data: bytes, typ: TokenType) -> tuple[str, str, VerificationKey | None]:
    fields = Fields(decode_object(data), "header")
    found = fields.text("typ")
    if found != typ.value:
        raise WrongDocument(f"A document of type {typ.value} was expected, not {found}.", code="token.wrong_type")
    kid = fields.text("kid")
    # The algorithm is taken from the key; the header's word for it must be the same (protocol §1).
    algorithm = fields.text("alg")
    jwk = VerificationKey.from_jwk(fields.take("jwk")) if typ is TokenType.ENROLLMENT else None
    fields.end()
    return algorithm, kid, jwk


def _verified(text: str, typ: TokenType, parsed: _Parsed, key: VerificationKey) -> Token:
    # Only the signature is left to PyJWT: the segments were decoded above, more strictly than it does.
    message = text.rpartition(".")[0].encode("ascii")
    verifies = _JWS.get_algorithm_by_name(key.algorithm).verify(message, key.public, parsed.signature)
    if parsed.algorithm != key.algorithm or not verifies:
        raise BadSignature(f"The signature does not verify under the key {key.thumbprint}.")
    return Token(typ, decode_object(parsed.payload), key, parsed.identity, text)


def _refuse_oversize(text: str, typ: TokenType) -> None:
    if len(text) > size_limit(typ):
        raise OversizedDocument(f"A document of type {typ.value} has at most {size_limit(typ)} bytes.")
