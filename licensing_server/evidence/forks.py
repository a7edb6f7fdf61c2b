"""How many proofs of a fork are kept whole: the first, and the newest; the log has an entry for each (protocol §6)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from licensing_server.evidence.tables import ForkProof

MOST_PROOFS: Final = 50


def let_go_of_proofs(session: Session, device: str) -> None:
    """Make room for one more proof about a device: the oldest but the very first go."""
    proofs = select(ForkProof.identity).where(ForkProof.device == device)
    known = session.scalars(proofs.order_by(ForkProof.received_at, ForkProof.identity)).all()
    surplus = known[1 : len(known) - MOST_PROOFS + 2]
    if len(known) >= MOST_PROOFS:
        session.execute(delete(ForkProof).where(ForkProof.identity.in_(surplus)))
