"""Provisos: reusable limit sets, read by the protocol's own parser before they are kept."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from licensing_protocol.limits import Area, Limits, Zone
from licensing_server import audit_log
from licensing_server.catalogue.tables import Proviso
from licensing_server.database import changed_one, new_id
from licensing_server.problem import Conflict, PreconditionFailed, Unprocessable, not_found
from licensing_server.web import Act


def add(act: Act, *, name: str, description: str, limits: dict[str, Any], zones: dict[str, Any]) -> Proviso:
    """Add a proviso.

    Raises:
        MalformedDocument: a limit or zone that no device could read; Conflict ``proviso.exists``.
    """
    _refuse_unreadable(limits, zones)
    _refuse_second(act.session, name)
    proviso = Proviso(
        id=new_id("proviso"),
        name=name,
        description=description,
        limits=limits,
        zones=zones,
        created_at=act.now,
        version=1,
    )
    act.session.add(proviso)
    _record(act, "proviso.added", proviso)
    act.session.flush()
    return proviso


def edit(
    act: Act,
    proviso_id: str,
    version: int,
    *,
    name: str,
    description: str,
    limits: dict[str, Any],
    zones: dict[str, Any],
) -> Proviso:
    """Change a proviso; entitlements that were issued with it stay as they are until their next issue.

    Raises:
        As :func:`add`; NotFound, PreconditionFailed.
    """
    proviso_of(act.session, proviso_id)
    _refuse_unreadable(limits, zones)
    _refuse_second(act.session, name, but=proviso_id)
    values = {"name": name, "description": description, "limits": limits, "zones": zones, "version": version + 1}
    expected = (Proviso.id == proviso_id, Proviso.version == version)
    if not changed_one(act.session.execute(update(Proviso).where(*expected).values(values))):
        raise PreconditionFailed("edit.conflict", "Somebody changed this meanwhile; read it again.")
    proviso = act.session.get_one(Proviso, proviso_id, populate_existing=True)
    _record(act, "proviso.edited", proviso)
    return proviso


def proviso_of(session: Session, proviso_id: str) -> Proviso:
    """Return a proviso.

    Raises:
        NotFound: ``proviso.unknown``.
    """
    proviso = session.get(Proviso, proviso_id)
    if proviso is None:
        raise not_found("proviso", proviso_id)
    return proviso


def _refuse_second(session: Session, name: str, but: str | None = None) -> None:
    if session.scalar(select(Proviso.id).where(Proviso.name == name, Proviso.id != (but or ""))):
        raise Conflict("proviso.exists", f"There is a proviso of the name {name!r} already.")


def _refuse_unreadable(limits: dict[str, Any], zones: dict[str, Any]) -> None:
    parsed = Limits.parse(limits)
    if parsed.unsupported:
        kinds = ", ".join(parsed.unsupported)
        raise Unprocessable("limit.unsupported", f"No limit of this kind exists: {kinds}.")
    drawn = {zone_id: Zone.parse(zone) for zone_id, zone in zones.items()}
    if drawn:
        # Whether a border crosses itself is found when it is made ready.
        Area(tuple(drawn), (), max_age=1, max_uncertainty_m=0).compile(drawn)


def _record(act: Act, type: str, proviso: Proviso) -> None:
    data = {"version": proviso.version, "limits": sorted(proviso.limits)}
    audit_log.record(act.session, type, time=act.now, actor=act.actor, subject=proviso.id, data=data)
