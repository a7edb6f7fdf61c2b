"""Enrolment: a new device key asks, with a one-time token, to be known (protocol §9)."""

from __future__ import annotations

from dataclasses import dataclass

from licensing_protocol import token
from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.evidence import FRESH_BYTES
from licensing_protocol.fields import Fields
from licensing_protocol.keys import Signer, VerificationKey
from licensing_protocol.token import TokenType


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A request to enrol. ``secret`` is the one-time token, ``manifest`` the identity of the product's manifest.

    ``key`` is the new device key, whose possession the document's own signature proves.
    """

    issued_at: int
    secret: str
    manifest: str
    fresh: bytes
    key: VerificationKey
    identity: str = ""

    def to_claims(self) -> JsonObject:
        """Return the claims that :func:`verify` reads (the key travels in the header)."""
        return {
            "iat": self.issued_at,
            "token": self.secret,
            "manifest": self.manifest,
            "fresh": to_base64url(self.fresh),
        }

    def sign(self, signer: Signer) -> str:
        """Return the compact JWS by the new device key."""
        return token.sign(self.to_claims(), TokenType.ENROLLMENT, signer)


def verify(text: str) -> Enrollment:
    """Verify that the sender holds the key in the header, and read the request."""
    verified = token.verify_enrollment(text)
    fields = Fields(verified.claims, "enrollment")
    return Enrollment(
        issued_at=fields.integer("iat"),
        secret=fields.text("token", longest=200),
        manifest=to_base64url(fields.octets("manifest")),
        fresh=fields.octets("fresh", length=FRESH_BYTES),
        key=verified.key,
        identity=verified.identity,
    )
