"""What an order can be, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from licensing_protocol.canonical import JsonObject
from licensing_server.config import Settings
from licensing_server.entitlements import Scope

_HOUR_S: Final = 3600
SYSTEM: Final = "system"


class Kind(StrEnum):
    """A suspension can be reinstated; a revocation ends the present grants for good; a limit lays narrower terms on
    them; a quarantine is a suspension by the system of everything a device may do; a reinstatement undoes an order.
    """

    SUSPEND = "suspend"
    REVOKE = "revoke"
    LIMIT = "limit"
    QUARANTINE = "quarantine"
    REINSTATE = "reinstate"


class ReasonCode(StrEnum):
    """Why, for statistics and for the operator; the text says the rest."""

    MISUSE_REPORTED = "misuse_reported"
    MISUSE_CONFIRMED = "misuse_confirmed"
    DIVERSION = "diversion"
    END_USE_CHANGED = "end_use_changed"
    RULES_CHANGED = "rules_changed"
    CONTRACT = "contract"
    DEVICE_COMPROMISED = "device_compromised"
    CONTINUITY = "continuity"
    REVIEW_ENDED = "review_ended"
    MISTAKE = "mistake"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Reason:
    """``code`` for machines, ``text`` for the operator and whoever reviews the order."""

    code: ReasonCode
    text: str


class State(StrEnum):
    """What became of an order. Waiting: for a second person. Scheduled: for its time. Expired: nobody confirmed it,
    and it never took force. Void: it could not take force when its time came. Undone: by another order.
    """

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    UNDONE = "undone"
    EXPIRED = "expired"
    VOID = "void"


LIVE: Final = (State.WAITING, State.SCHEDULED, State.IN_FORCE)


@dataclass(frozen=True, slots=True)
class Rules:
    """How far one person's order may reach, and the seconds in which a second person must confirm.

    ``witness_s``: for how many seconds an order waits for the witnesses of the log; ``None`` where none does.
    """

    devices: int
    grants: int
    confirm_s: int
    emergency_s: int
    witness_s: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """Read them from the settings."""
        return cls(
            settings.order_devices,
            settings.order_grants,
            settings.confirm_hours * _HOUR_S,
            settings.emergency_hours * _HOUR_S,
            settings.quorum_wait if settings.quorum_orders else None,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that is not placed yet: a reinstatement names the order that it ``undoes``, every other a ``scope``.

    ``terms`` are settled limits, of a limit only. ``emergency``: in force at once, and lapses unless confirmed.
    ``effective_at`` in seconds, ``None`` for now.
    """

    kind: Kind
    reason: Reason
    scope: Scope | None = None
    undoes: str | None = None
    terms: JsonObject | None = None
    emergency: bool = False
    effective_at: int | None = None
