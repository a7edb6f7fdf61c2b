"""Which entitlements still rest on a key: they are signed anew when their devices next ask."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from licensing_protocol import token
from licensing_protocol.keys import VerificationKey
from licensing_protocol.token import TokenType
from licensing_server.entitlements.tables import SignedEntitlement


def living_under(session: Session, key: VerificationKey, now: int) -> int:
    """Return how many devices hold a newest entitlement that this key signed and that has not expired."""
    later = aliased(SignedEntitlement)
    newer = select(later.jti).where(later.device == SignedEntitlement.device, later.version > SignedEntitlement.version)
    begin = token.first_segment(TokenType.ENTITLEMENT, key)
    counted = select(func.count()).select_from(SignedEntitlement)
    living = counted.where(
        SignedEntitlement.expires > now,
        SignedEntitlement.text.startswith(f"{begin}.", autoescape=True),
        ~newer.exists(),
    )
    return session.scalar(living) or 0
