"""What the server answers to evidence: a receipt, or a refusal that consumes its parent as well (protocol §7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from licensing_protocol import token, trust
from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.fields import Fields
from licensing_protocol.keys import Signer
from licensing_protocol.token import TokenType
from licensing_protocol.trust import RootOfTrust


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server's word that it holds ``evidence`` (an identity) and the journal up to ``sequence``.

    The next evidence names ``ratchet`` as its parent and carries ``nonce``. ``leaf`` is the leaf hash of the log entry
    of this evidence in the log ``origin``. The first receipt, given at enrolment, is for the enrolment document.
    """

    issuer: str
    issued_at: int
    device: str
    evidence: str
    head: bytes
    sequence: int
    ratchet: bytes
    nonce: bytes
    origin: str
    leaf: bytes
    identity: str = ""

    @classmethod
    def parse(cls, claims: Any, identity: str = "") -> Receipt:
        """Read the claims; unknown members are ignored."""
        fields = Fields(claims, "receipt")
        log = fields.object("log")
        return cls(
            issuer=fields.text("iss"),
            issued_at=fields.integer("iat"),
            device=fields.text("sub"),
            evidence=to_base64url(fields.octets("evidence")),
            head=fields.octets("head"),
            sequence=fields.integer("seq"),
            ratchet=fields.octets("ratchet"),
            nonce=fields.octets("nonce"),
            origin=log.text("origin"),
            leaf=log.octets("leaf"),
            identity=identity,
        )

    def to_claims(self) -> JsonObject:
        """Return the claims that :meth:`parse` reads."""
        return {
            "iss": self.issuer,
            "iat": self.issued_at,
            "sub": self.device,
            "evidence": self.evidence,
            "head": to_base64url(self.head),
            "seq": self.sequence,
            "ratchet": to_base64url(self.ratchet),
            "nonce": to_base64url(self.nonce),
            "log": {"origin": self.origin, "leaf": to_base64url(self.leaf)},
        }

    def sign(self, signer: Signer) -> str:
        """Return the compact JWS."""
        return token.sign(self.to_claims(), TokenType.RECEIPT, signer)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server's word that it does not take ``evidence``, and why; never signed for evidence that was accepted."""

    issuer: str
    issued_at: int
    device: str
    evidence: str
    code: str
    ratchet: bytes
    nonce: bytes
    identity: str = ""

    @classmethod
    def parse(cls, claims: Any, identity: str = "") -> Refusal:
        """Read the claims; unknown members are ignored."""
        fields = Fields(claims, "refusal")
        return cls(
            issuer=fields.text("iss"),
            issued_at=fields.integer("iat"),
            device=fields.text("sub"),
            evidence=to_base64url(fields.octets("evidence")),
            code=fields.text("code", longest=100),
            ratchet=fields.octets("ratchet"),
            nonce=fields.octets("nonce"),
            identity=identity,
        )

    def to_claims(self) -> JsonObject:
        """Return the claims that :meth:`parse` reads."""
        return {
            "iss": self.issuer,
            "iat": self.issued_at,
            "sub": self.device,
            "evidence": self.evidence,
            "code": self.code,
            "ratchet": to_base64url(self.ratchet),
            "nonce": to_base64url(self.nonce),
        }

    def sign(self, signer: Signer) -> str:
        """Return the compact JWS."""
        return token.sign(self.to_claims(), TokenType.REFUSAL, signer)


def verify_receipt(text: str, root: RootOfTrust) -> Receipt:
    """Verify a receipt under the root's keys, and read it."""
    verified = trust.verify(text, TokenType.RECEIPT, root)
    return Receipt.parse(verified.claims, verified.identity)


def verify_refusal(text: str, root: RootOfTrust) -> Refusal:
    """Verify a refusal under the root's keys, and read it."""
    verified = trust.verify(text, TokenType.REFUSAL, root)
    return Refusal.parse(verified.claims, verified.identity)
