"""Keys in a PKCS#11 token (an HSM, a smart card, SoftHSM), made there, and never out of it.

They are P-256, which every token knows; the log's is Ed25519, because nothing else signs a checkpoint (protocol §8).
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from licensing_protocol.canonical import to_base64url
from licensing_protocol.keys import ES256, Signer, VerificationKey, public_from_pem
from licensing_protocol.trust import Delegation
from licensing_server.problem import Unavailable

_LABEL = re.compile(rf"interlock/(?P<purpose>{'|'.join(Delegation)})/(?P<number>[0-9]{{1,9}})")
_PEM_WIDTH = 64
_P256 = (pkcs11.KeyType.EC, "secp256r1", pkcs11.Mechanism.EC_KEY_PAIR_GEN)
_ED25519 = (pkcs11.KeyType.EC_EDWARDS, "1.3.101.112", pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN)


class TokenKeys:
    """The keys in one token, labelled by purpose and a number that rises: ``interlock/status/2``."""

    def __init__(self, session: Any) -> None:
        self._session = session
        # A session does one thing at a time.
        self._lock = threading.Lock()

    @classmethod
    def open(cls, module: Path, label: str, pin: str) -> TokenKeys:
        """Log in to a token.

        Raises:
            Unavailable: ``signing.token``.
        """
        try:
            token = pkcs11.lib(str(module)).get_token(token_label=label)
            try:
                session = token.open(user_pin=pin, rw=True)
            except pkcs11.UserAlreadyLoggedIn:
                # The login counts for all sessions of a process.
                session = token.open(rw=True)
            return cls(session)
        except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
            raise _unusable(f"the token {label!r} of {module} does not open", error) from error

    def load(self) -> dict[Delegation, list[Signer]]:
        """Return the signers for each purpose, the oldest first."""
        held: dict[Delegation, list[Signer]] = {}
        for delegation, _, key in sorted(self._keys(), key=lambda found: found[:2]):
            held.setdefault(delegation, []).append(TokenSigner(key, self._public(key.label), self._lock))
        return held

    def make(self, delegation: Delegation) -> Signer:
        """Make a new key in the token."""
        number = max((number for purpose, number, _ in self._keys() if purpose is delegation), default=0) + 1
        label = f"interlock/{delegation}/{number}"
        kind, curve, mechanism = _ED25519 if delegation is Delegation.LOG else _P256
        values = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}
        with self._lock:
            parameters = self._session.create_domain_parameters(kind, values, local=True)
            _, private = parameters.generate_keypair(mechanism=mechanism, store=True, label=label, id=label.encode())
        return TokenSigner(private, self._public(label), self._lock)

    def _keys(self) -> list[tuple[Delegation, int, Any]]:
        with self._lock:
            found = list(self._session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}))
        named = ((_LABEL.fullmatch(key.label or ""), key) for key in found)
        return [(Delegation(name["purpose"]), int(name["number"]), key) for name, key in named if name]

    def _public(self, label: str) -> VerificationKey:
        with self._lock:
            key = self._session.get_key(pkcs11.ObjectClass.PUBLIC_KEY, label=label)
            if key.key_type == pkcs11.KeyType.EC_EDWARDS:
                # The point stands in a DER octet string: a tag, a length, 32 bytes.
                point = key[pkcs11.Attribute.EC_POINT][2:]
                return VerificationKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": to_base64url(point)})
            der = encode_ec_public_key(key)
        body = base64.b64encode(der).decode("ascii")
        lines = [body[start : start + _PEM_WIDTH] for start in range(0, len(body), _PEM_WIDTH)]
        pem = "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])
        return VerificationKey.from_public(public_from_pem(pem))


class TokenSigner:
    """A signer whose private key is in the token."""

    def __init__(self, private: Any, key: VerificationKey, lock: threading.Lock) -> None:
        self._private = private
        self._key = key
        self._lock = lock

    @property
    def key(self) -> VerificationKey:
        """The public half."""
        return self._key

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature, ES256 or EdDSA as the key is.

        Raises:
            Unavailable: ``signing.token`` where the token does not sign.
        """
        mechanism = pkcs11.Mechanism.EDDSA
        if self._key.algorithm == ES256:
            # PKCS#11 hashes nothing here, and writes r and s one after the other, as JWS does.
            mechanism, message = pkcs11.Mechanism.ECDSA, hashlib.sha256(message).digest()
        try:
            with self._lock:
                signed: bytes = self._private.sign(message, mechanism=mechanism)
        except pkcs11.PKCS11Error as error:
            raise _unusable("the token does not sign", error) from error
        return signed


def _unusable(what: str, error: Exception) -> Unavailable:
    name = type(error).__name__
    return Unavailable("signing.token", f"The signing keys cannot be used: {what} ({name}); see that it is plugged in.")
