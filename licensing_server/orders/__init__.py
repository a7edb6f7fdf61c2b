"""Orders: suspend, reinstate, revoke, limit, quarantine; immutable, with a reason, and followed until devices know."""

from licensing_server.orders.kinds import Draft, Kind, Reason, ReasonCode, Rules
from licensing_server.orders.knowledge import confirm, notices
from licensing_server.orders.life import prolong_quarantine
from licensing_server.orders.place import place

__all__ = [
    "Draft",
    "Kind",
    "Reason",
    "ReasonCode",
    "Rules",
    "confirm",
    "notices",
    "place",
    "prolong_quarantine",
]
