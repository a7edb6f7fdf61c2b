"""The shared first edition of capabilities, and the ones that vendors add to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol import canonical
from licensing_protocol.fields import Fields
from licensing_server import audit_log
from licensing_server.catalogue.tables import VendorCapability
from licensing_server.problem import Conflict
from licensing_server.web import Act


@dataclass(frozen=True, slots=True)
class Capability:
    """What a product can do that an exporter may want to strip or limit.

    ``misuse`` says why it is sensitive. ``suggested_limits`` are kinds of limits, ``red_flags`` questions to ask.
    ``control_labels`` are for people and no classification advice; ``confidence`` is in those labels.
    """

    id: str
    family: str
    description: str
    misuse: str
    suggested_limits: tuple[str, ...] = ()
    red_flags: tuple[str, ...] = ()
    control_labels: str = ""
    confidence: str = ""


@cache
def first_edition() -> Mapping[str, Capability]:
    """Return the capabilities that ship with the server, by id."""
    data = canonical.decode_object((files(__package__) / "capabilities.json").read_bytes())
    red_flags: dict[str, str] = data["red_flags"]
    found = {}
    for family in data["families"]:
        for entry in family["capabilities"]:
            fields = Fields(entry, "capability")
            capability = Capability(
                id=fields.text("id"),
                family=family["name"],
                description=fields.text("description"),
                misuse=fields.text("misuse"),
                suggested_limits=fields.texts("limits", most=8),
                red_flags=tuple(red_flags[name] for name in family["red_flags"]),
                control_labels=family["control_labels"],
                confidence=family["confidence"],
            )
            fields.end()
            found[capability.id] = capability
    return found


def all_capabilities(session: Session) -> list[Capability]:
    """Return the whole catalogue, sorted by id."""
    added = [
        Capability(row.id, row.family, row.description, row.misuse) for row in session.scalars(select(VendorCapability))
    ]
    return sorted([*first_edition().values(), *added], key=lambda capability: capability.id)


def known_capabilities(session: Session) -> frozenset[str]:
    """Return the ids of the whole catalogue."""
    return frozenset(first_edition()) | frozenset(session.scalars(select(VendorCapability.id)))


def add(act: Act, *, id: str, family: str, description: str, misuse: str) -> Capability:
    """Add a vendor's own capability.

    Raises:
        Conflict: ``capability.exists``.
    """
    if id in known_capabilities(act.session):
        raise Conflict("capability.exists", f"The catalogue has {id} already.")
    act.session.add(VendorCapability(id=id, family=family, description=description, misuse=misuse, created_at=act.now))
    audit_log.record(
        act.session, "capability.added", time=act.now, actor=act.actor, subject=id, data={"family": family}
    )
    return Capability(id, family, description, misuse)
