"""What a use or a denial leaves on the device: counts, and events nothing about third persons (protocol §6)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict

from device_agent import journal
from device_agent.enforcement import acquaintance
from device_agent.enforcement.denials import Kind
from device_agent.errors import JournalFull
from device_agent.store import Connection, facts
from licensing_protocol.canonical import JsonObject, digest, to_base64url
from licensing_protocol.decision import Granted, Use
from licensing_protocol.journal import EventType
from licensing_protocol.time_bounds import TimeBounds

_AUTHORITY_LABEL = b"interlock/authority/1"


def count(connection: Connection, uses: Mapping[str, int], denials: Mapping[str, int]) -> None:
    """Add to what the next evidence says of usage."""
    for capability in sorted(uses.keys() | denials.keys()):
        values = (capability, uses.get(capability, 0), denials.get(capability, 0))
        connection.execute(
            "INSERT INTO usage VALUES (?, ?, ?) ON CONFLICT (capability)"
            " DO UPDATE SET uses = uses + excluded.uses, denials = denials + excluded.denials",
            values,
        )


def used(connection: Connection, granted: Granted, use: Use, bounds: TimeBounds, boot: str) -> None:
    """Record one use by an event of its own.

    Raises:
        JournalFull: there is no room for it, so the use must not happen.
    """
    data: JsonObject = {"capability": granted.capability}
    if granted.reason is not None:
        data["degraded"] = granted.reason.code
    if use.authority:
        data["authority"] = _hidden(use.authority, facts.salt(connection))
    if use.operators:
        data |= asdict(acquaintance.meet(connection, use.operators, bounds.lower))
    journal.append(connection, EventType.CAPABILITY_USED, data, bounds, boot)


def denied(connection: Connection, denials: Mapping[Kind, int], bounds: TimeBounds, boot: str) -> None:
    """Record how often a use was denied for which reason; like events fold.

    Where the journal is full they are only counted: what was denied needs no record to stay denied.
    """
    for (capability, code), times in denials.items():
        data: JsonObject = {"capability": capability, "reason": code}
        with suppress(JournalFull):
            journal.append(connection, EventType.CAPABILITY_DENIED, data, bounds, boot, times)


def _hidden(authority: str, salt: bytes) -> str:
    """Return what tells equal authorities apart from others, and nothing else: the salt never leaves the device."""
    return to_base64url(digest(_AUTHORITY_LABEL, salt, authority.encode("utf-8", "surrogatepass")))
