"""Keys and signers (protocol §1)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol import edwards25519
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.keys import KeySet, SoftwareSigner, VerificationKey

ONE, TWO = SoftwareSigner.generate(), SoftwareSigner.generate("ES256")


@given(st.binary(min_size=32, max_size=32))
@settings(deadline=None, max_examples=40)
def test_every_key_that_can_sign_is_sound(seed: bytes) -> None:
    public = ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key()
    assert edwards25519.is_sound(public.public_bytes_raw())


def test_about_half_of_all_numbers_are_no_point() -> None:
    sound = sum(edwards25519.is_sound(y.to_bytes(32, "little")) for y in range(2, 202))
    assert 60 < sound < 140


def test_sets_of_the_same_keys_are_equal_in_any_order() -> None:
    there, back = KeySet(ONE.key, TWO.key), KeySet(TWO.key, ONE.key, ONE.key)
    assert there == back
    assert hash(there) == hash(back)
    assert len(there) == len(back) == 2
    assert there != KeySet(ONE.key)
    assert there != "keys"
    assert KeySet.from_jwks(there.to_jwks()) == there
    assert there.get(TWO.key.thumbprint) == TWO.key


@pytest.mark.parametrize("signer", [ONE, TWO])
@pytest.mark.parametrize("passphrase", [None, b"secret"])
def test_a_private_key_survives_its_file(signer: SoftwareSigner, passphrase: bytes | None) -> None:
    read = SoftwareSigner.from_pem(signer.to_pem(passphrase), passphrase)
    assert read.key == signer.key
    with pytest.raises(MalformedDocument) as refused:
        SoftwareSigner.from_pem(signer.to_pem(b"secret"), passphrase and b"wrong")
    assert refused.value.code == "key.unreadable"


def test_keys_of_other_kinds_are_refused() -> None:
    pem = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for refuse in (
        lambda: SoftwareSigner.from_pem(pem),
        lambda: SoftwareSigner(ec.generate_private_key(ec.SECP384R1())),
        lambda: VerificationKey.from_public(x25519.X25519PrivateKey.generate().public_key()),
    ):
        with pytest.raises(MalformedDocument) as refused:
            refuse()
        assert refused.value.code == "key.malformed"
    with pytest.raises(MalformedDocument) as refused:
        SoftwareSigner.from_pem(b"not a key")
    assert refused.value.code == "key.unreadable"
