"""From what was sent to an order that can be placed or looked at beforehand."""

from __future__ import annotations

from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject
from licensing_server.entitlements import Scope
from licensing_server.entitlements.amendments import settle_terms
from licensing_server.entitlements.preview import refuse_unfit_terms
from licensing_server.orders.kinds import Draft, Kind, Reason, State
from licensing_server.orders.place import refuse_empty, undone_by
from licensing_server.orders.reach import Extent, Reach, extent_of, extent_of_order, releases_among
from licensing_server.orders.schemas import Aim, NewOrder

_NOBODY = Extent(Reach(0, 0), {}, {}, [])


def draft_of(session: Session, body: NewOrder) -> Draft:
    """Return an order that was sent.

    Raises:
        What :func:`settle_terms` and :func:`refuse_unfit_terms` raise for limits that no device could obey.
    """
    scope = None if body.scope is None else body.scope.to_scope()
    return Draft(
        kind=Kind(body.kind),
        reason=Reason(body.reason_code, body.reason_text),
        scope=scope,
        undoes=body.undoes,
        terms=_terms(session, body, scope),
        emergency=body.emergency,
        effective_at=body.effective_at,
    )


def extent_of_draft(session: Session, body: Aim) -> Extent:
    """Return what an order would reach, nobody where it undoes what nobody has confirmed.

    Raises:
        As :func:`draft_of` and :func:`place`.
    """
    if body.undoes is not None:
        undone, reach = undone_by(session, body.undoes)
        if not reach.devices:
            return _NOBODY
        is_planned = undone.state != State.IN_FORCE
        return extent_of(session, Scope.parse(undone.scope)) if is_planned else extent_of_order(session, undone.id)
    scope = Scope() if body.scope is None else body.scope.to_scope()
    refuse_empty(session, scope)
    _terms(session, body, scope)
    return extent_of(session, scope)


def _terms(session: Session, body: Aim, scope: Scope | None) -> JsonObject | None:
    if body.limits is None or scope is None:
        return None
    terms = settle_terms(body.limits, body.zones)
    refuse_unfit_terms(session, terms, releases_among(session, scope.devices()))
    return terms
