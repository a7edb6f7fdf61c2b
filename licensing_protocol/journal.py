"""The journal: numbered events in a hash chain that nobody can thin out (protocol §6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from licensing_protocol.canonical import JsonObject, digest, encode, from_base64url
from licensing_protocol.errors import BrokenChain, MalformedDocument
from licensing_protocol.fields import Fields

_LABEL: Final = b"interlock/journal/1"
MAX_EVENT_BYTES: Final = 4096
_MAX_NAME: Final = 64
# Evidence wraps an event in four levels of its own, and no document has more than 32.
_MAX_DATA_DEPTH: Final = 16


class EventType(StrEnum):
    """What a device reports. A vendor's own events take other names, with a dot in them."""

    AGENT_STARTED = "agent.started"
    CAPABILITY_DENIED = "capability.denied"
    CAPABILITY_USED = "capability.used"
    CONFIGURATION_CHANGED = "configuration.changed"
    CLOCK_ROLLED_BACK = "clock.rolled_back"
    CLOCK_JUMPED = "clock.jumped"
    POSITION_IMPLAUSIBLE = "position.implausible"
    POSITION_UNCONFIRMED = "position.unconfirmed"
    ENTITLEMENT_ACCEPTED = "entitlement.accepted"
    ENTITLEMENT_REFUSED = "entitlement.refused"
    STATUS_LIST_REFUSED = "status_list.refused"
    RECEIPT_IGNORED = "receipt.ignored"
    TRUST_UPDATED = "trust.updated"
    TRUST_REFUSED = "trust.refused"
    EVIDENCE_REFUSED = "evidence.refused"
    JOURNAL_FULL = "journal.full"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry. ``lower`` and ``upper`` bound the time (seconds), ``boot`` tells starts of the device apart."""

    sequence: int
    type: str
    lower: int
    upper: int | None
    boot: str
    data: JsonObject
    _parsed: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def parse(cls, value: Any) -> Event:
        """Read one event.

        Raises:
            MalformedDocument: as :meth:`to_bytes`; or a field code.
        """
        fields = Fields(value, "event")
        bounds = Fields(
            dict(zip(("lower", "upper"), fields.list_of("time", least=2, most=2), strict=True)), "event.time"
        )
        event = cls(
            sequence=fields.integer("seq", least=1),
            type=fields.text("type"),
            lower=bounds.integer("lower"),
            upper=bounds.nullable("upper", bounds.integer),
            boot=fields.text("boot"),
            data=dict(fields.members("data", most=MAX_EVENT_BYTES)),
        )
        fields.end()
        # Kept, because whoever parses an event hashes it next.
        object.__setattr__(event, "_parsed", event.to_bytes())
        return event

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {
            "seq": self.sequence,
            "type": self.type,
            "time": [self.lower, self.upper],
            "boot": self.boot,
            "data": self.data,
        }

    def to_bytes(self) -> bytes:
        """Return the JCS bytes that are hashed.

        What this returns is taken by :meth:`parse` and fits into evidence: a device that journals it can report it.

        Raises:
            MalformedDocument: ``event.oversized`` over 4 KiB, or a ``type`` or ``boot`` over 64 characters;
                ``event.float`` for a float anywhere in its data; ``event.depth`` for data over 16 levels deep.
        """
        if self._parsed is not None:
            return self._parsed
        _refuse_floats_and_depth(self.data, 1)
        if max(len(self.type), len(self.boot)) > _MAX_NAME:
            raise MalformedDocument(f"An event's names have at most {_MAX_NAME} characters.", code="event.oversized")
        encoded = encode(self.to_json())
        if len(encoded) > MAX_EVENT_BYTES:
            raise MalformedDocument(f"An event has at most {MAX_EVENT_BYTES} bytes.", code="event.oversized")
        return encoded


def first_head(device_key_thumbprint: str) -> bytes:
    """Return the head of an empty journal: it belongs to one device key."""
    return digest(_LABEL, from_base64url(device_key_thumbprint))


def next_head(head: bytes, event: Event) -> bytes:
    """Return the head after one more event."""
    return digest(_LABEL, head, event.to_bytes())


def follow(head: bytes, first: int, events: Iterable[Event]) -> bytes:
    """Return the head after ``events``, which must be numbered from ``first`` on without a gap.

    Raises:
        BrokenChain: ``journal.gap``.
    """
    for expected, event in enumerate(events, first):
        if event.sequence != expected:
            raise BrokenChain(f"Event {expected} is missing: found {event.sequence}.", code="journal.gap")
        head = next_head(head, event)
    return head


def _refuse_floats_and_depth(value: Any, depth: int) -> None:
    if isinstance(value, float):
        raise MalformedDocument("An event holds no floats.", code="event.float")
    if not isinstance(value, dict | list):
        return
    if depth > _MAX_DATA_DEPTH:
        raise MalformedDocument(f"An event's data nest at most {_MAX_DATA_DEPTH} levels deep.", code="event.depth")
    for member in value.values() if isinstance(value, dict) else value:
        _refuse_floats_and_depth(member, depth + 1)
