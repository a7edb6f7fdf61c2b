"""Orders: suspend, reinstate, revoke, quarantine; immutable, with a reason, and followed until devices confirm them."""

from licensing_server.orders.place import Kind, Scope, place, reinstate
from licensing_server.orders.progress import confirm, notices, prolong_quarantine

__all__ = ["Kind", "Scope", "confirm", "notices", "place", "prolong_quarantine", "reinstate"]
