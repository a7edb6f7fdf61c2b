"""Reading how the witnesses stand to the log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session

from licensing_protocol.log.policy import Party
from licensing_server import audit_log
from licensing_server.web import Access, Role, requires
from licensing_server.witnessing.policy import Witnesses
from licensing_server.witnessing.quorum import witnessed_size
from licensing_server.witnessing.schemas import WitnessesReply, WitnessReply
from licensing_server.witnessing.tables import LogWitness

router = APIRouter(prefix="/v1/log", tags=["log"])
Reader = Annotated[Access, requires(Role.AUDITOR, Role.COMPLIANCE, Role.ADMINISTRATOR)]


@router.get("/witnesses")
def list_witnesses(access: Reader, request: Request) -> WitnessesReply:
    """Tell whom the log asks to cosign its checkpoints, what they answer, and what their quorum has seen."""
    witnesses: Witnesses | None = request.app.state.witnesses
    asked = () if witnesses is None else tuple(witnesses.policy.witnesses.values())
    with access.read() as act:
        origin = audit_log.origin(act.session)
        return WitnessesReply(
            origin=origin,
            quorum=None if witnesses is None else witnesses.policy.quorum,
            quorum_size=witnessed_size(act.session),
            witnesses=[_show(act.session, origin, party) for party in asked],
        )


def _show(session: Session, origin: str, party: Party) -> WitnessReply:
    row = session.get(LogWitness, (origin, str(party.key)))
    return WitnessReply(
        name=party.key.name,
        key=str(party.key),
        url=party.url,
        state="asked" if row is None else row.state,
        told="" if row is None else row.told,
        since=None if row is None else row.since,
        size=0 if row is None else row.size,
        cosigned_at=None if row is None else row.cosigned_at,
    )
