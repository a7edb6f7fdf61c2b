"""Signed documents through their public doors (protocol §1)."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol import canonical, token
from licensing_protocol.errors import BadSignature, MalformedDocument, UnknownKey, WrongDocument
from licensing_protocol.keys import EDDSA, ES256, KeySet, SoftwareSigner, VerificationKey
from licensing_protocol.token import TokenType
from tests.protocol import strategies

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text("abc", max_size=3), children, max_size=4),
    max_leaves=10,
)


@given(JSON)
@settings(deadline=None)
def test_canonical_json_round_trips(value: object) -> None:
    assert canonical.decode(canonical.encode(value)) == value


@given(strategies.JSON | st.text(st.characters(exclude_categories=["Cs"])))
@settings(deadline=None)
def test_canonical_json_is_what_rfc_8785_says(value: Any) -> None:
    assert canonical.encode(value) == rfc8785.dumps(value)


def test_every_control_character_and_every_order_of_names_is_written_as_rfc_8785_says() -> None:
    names: list[Any] = [{"\uffff": 1, "\U00010000": 2, "a": 3}, {"b": (True, 1.5), "B": [-0.0]}]
    for value in (*map(chr, range(0x100)), *names):
        assert canonical.encode(value) == rfc8785.dumps(value)


@given(st.binary(max_size=80))
@settings(deadline=None)
def test_base64url_round_trips(data: bytes) -> None:
    assert canonical.from_base64url(canonical.to_base64url(data)) == data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a":1,"a":2}', "json.duplicate_name"),
        (b"NaN", "json.number"),
        (b"1e999", "json.number"),
        (b"9007199254740992", "json.number"),
        (b'"\\ud800"', "json.encoding"),
        (b"\xff", "json.encoding"),
        (b"[" * 33 + b"]" * 33, "json.depth"),
        (b"[" * 100_000, "json.depth"),
        (b"{", "json.syntax"),
    ],
)
def test_strict_decoder_refuses(data: bytes, code: str) -> None:
    with pytest.raises(MalformedDocument) as refused:
        canonical.decode(data)
    assert refused.value.code == code


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "Q+", "Q Q"])
def test_only_canonical_base64url_is_taken(text: str) -> None:
    with pytest.raises(MalformedDocument):
        canonical.from_base64url(text)


@pytest.mark.parametrize("algorithm", [EDDSA, ES256])
def test_a_signed_document_verifies_under_its_key_only(algorithm: str) -> None:
    signer, other = SoftwareSigner.generate(algorithm), SoftwareSigner.generate(algorithm)
    text = token.sign({"iat": 1}, TokenType.RECEIPT, signer)
    assert token.verify(text, TokenType.RECEIPT, KeySet(signer.key)).claims == {"iat": 1}
    with pytest.raises(UnknownKey):
        token.verify(text, TokenType.RECEIPT, KeySet(other.key))
    with pytest.raises(WrongDocument):
        token.verify(text, TokenType.REFUSAL, KeySet(signer.key))
    head, _, signature = text.rpartition(".")
    forged = f"{head}.{canonical.to_base64url(other.sign(head.encode()))}"
    assert signature not in forged
    with pytest.raises(BadSignature):
        token.verify(forged, TokenType.RECEIPT, KeySet(signer.key))


def test_a_header_that_names_another_algorithm_than_the_keys_is_no_signature() -> None:
    signer = SoftwareSigner.generate(EDDSA)
    header = {"alg": ES256, "kid": signer.key.thumbprint, "typ": "receipt+jwt"}
    head = ".".join(canonical.to_base64url(canonical.encode(part)) for part in (header, {"iat": 1}))
    with pytest.raises(BadSignature):
        token.verify(
            f"{head}.{canonical.to_base64url(signer.sign(head.encode()))}", TokenType.RECEIPT, KeySet(signer.key)
        )


@pytest.mark.parametrize("algorithm", [EDDSA, ES256])
def test_keys_survive_pem_and_jwk(algorithm: str) -> None:
    signer = SoftwareSigner.generate(algorithm)
    assert SoftwareSigner.from_pem(signer.to_pem(b"secret"), b"secret").key.thumbprint == signer.key.thumbprint
    for kept in (False, True):
        assert VerificationKey.from_jwk(signer.key.jwk, kept=kept).thumbprint == signer.key.thumbprint
    with pytest.raises(MalformedDocument):
        SoftwareSigner.from_pem(signer.to_pem(b"secret"), b"wrong")


def test_an_enrolment_proves_possession_of_the_key_it_carries() -> None:
    signer = SoftwareSigner.generate()
    verified = token.verify_enrollment(token.sign({"iat": 1}, TokenType.ENROLLMENT, signer))
    assert verified.key.thumbprint == signer.key.thumbprint
