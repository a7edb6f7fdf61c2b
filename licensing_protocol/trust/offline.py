"""Keys that people hold, each in an encrypted file: they sign roots and Targets, and nothing else (protocol §2)."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa
from securesystemslib.signer import CryptoSigner, Signer, SSlibKey

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.keys import VerificationKey, private_from_pem


class OfflineKey:
    """An Ed25519 or ML-DSA-65 private key in memory. Callers get a signer and the public half."""

    def __init__(self, private: ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey) -> None:
        self._private = private

    @classmethod
    def generate(cls, *, post_quantum: bool = False) -> OfflineKey:
        """Make a fresh Ed25519 key, or one of ML-DSA-65."""
        return cls(mldsa.MLDSA65PrivateKey.generate() if post_quantum else ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: bytes) -> OfflineKey:
        """Read an encrypted PKCS#8 PEM.

        Raises:
            MalformedDocument: ``key.unreadable`` as :func:`private_from_pem`; ``root.key`` for another algorithm.
        """
        private = private_from_pem(pem, passphrase)
        if not isinstance(private, ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey):
            raise MalformedDocument("A root key is Ed25519 or ML-DSA-65.", code="root.key")
        return cls(private)

    def to_pem(self, passphrase: bytes) -> bytes:
        """Return the key as PKCS#8 PEM, encrypted."""
        encryption = serialization.BestAvailableEncryption(passphrase)
        return self._private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

    @property
    def key(self) -> SSlibKey:
        """The public half, under the name that the protocol gives it."""
        public = self._private.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            return SSlibKey.from_crypto(public, keyid=VerificationKey.from_public(public).thumbprint)
        return SSlibKey.from_crypto(public)

    @property
    def signer(self) -> Signer:
        """What signs metadata with this key."""
        return CryptoSigner(self._private, self.key)
