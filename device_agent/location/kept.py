"""The newest plausible position of each source in the store: a process that begins anew does not begin from nothing.

Only of one start of the device: how long ago another one ended cannot be told. One place for each source is kept, and
it never leaves the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from device_agent.location.observation import Observation
from device_agent.location.plausibility import Sighting
from device_agent.store import Connection, facts
from licensing_protocol.canonical import JsonObject, decode_object, encode
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields

MAX_SOURCES: Final = 16
_MOST: Final = float(2**53)


def read(connection: Connection, start: str) -> dict[str, Sighting]:
    """Return what is kept of this start, by source."""
    try:
        fields = Fields(decode_object((facts.read(connection, facts.Fact.SIGHTINGS) or "{}").encode()), "sightings")
        if not fields.has("start") or fields.text("start") != start:
            return {}
        return {name: _sighting(members) for name, members in fields.members("sources", most=MAX_SOURCES)}
    except MalformedDocument:
        # What is damaged is replaced by the next position.
        return {}


def share(connection: Connection, start: str, sightings: Mapping[str, Sighting]) -> dict[str, Sighting]:
    """Keep the newest of these and of what is kept, inside ``store.write()``, and return them; other starts' go."""
    shared = read(connection, start)
    for name, seen in sightings.items():
        if name not in shared or shared[name].boottime < seen.boottime:
            shared[name] = seen
    newest = sorted(shared, key=lambda name: shared[name].boottime)[-MAX_SOURCES:]
    shared = {name: shared[name] for name in newest}
    sources = {name: _members(seen) for name, seen in shared.items()}
    facts.write(connection, facts.Fact.SIGHTINGS, encode({"start": start, "sources": sources}).decode())
    return shared


def _members(seen: Sighting) -> JsonObject:
    stamp = seen.fix.gnss_time if isinstance(seen.fix, Observation) else None
    return {**seen.fix.to_json(), "gnss_time": stamp, "boottime": seen.boottime}


def _sighting(members: Any) -> Sighting:
    fields = Fields(members, "sighting")
    fix = Observation(
        fields.number("latitude", least=-90, most=90),
        fields.number("longitude", least=-180, most=180),
        fields.number("uncertainty_m", least=0, most=_MOST),
        gnss_time=fields.nullable("gnss_time", lambda name: fields.number(name, least=0, most=_MOST)),
    )
    return Sighting(fix, fields.number("boottime", least=0, most=_MOST))
