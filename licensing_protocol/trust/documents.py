"""Verifying a document of the exporter under the keys that the root of trust delegates its type to (protocol §2)."""

from __future__ import annotations

from typing import Final

from licensing_protocol import token
from licensing_protocol.errors import UntrustedTime
from licensing_protocol.fields import Fields
from licensing_protocol.token import Token, TokenType
from licensing_protocol.trust.trusted import Delegation, RootOfTrust

DELEGATION_OF: Final = {
    TokenType.ENTITLEMENT: Delegation.ENTITLEMENT,
    TokenType.STATUS_LIST: Delegation.STATUS,
    TokenType.RECEIPT: Delegation.RECEIPT,
    TokenType.REFUSAL: Delegation.RECEIPT,
    TokenType.APPRAISAL: Delegation.APPRAISAL,
}


def verify(text: str, typ: TokenType, root: RootOfTrust) -> Token:
    """Verify a document under the keys that the root delegates its type to.

    Raises:
        UntrustedTime: its ``iat`` is after the root's ``expires`` (protocol §2).
        InterlockError: as :func:`licensing_protocol.token.verify`.
    """
    verified = token.verify(text, typ, root.keys(DELEGATION_OF[typ]))
    if Fields(verified.claims, str(typ)).integer("iat") > root.expires:
        raise UntrustedTime("Signed after the root of trust expired; fetch the newer root first.")
    return verified
