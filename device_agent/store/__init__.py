"""The device's store: one SQLite file that several processes share, and that says plainly when it cannot serve."""

from device_agent.store.connection import Connection
from device_agent.store.store import Store

__all__ = ["Connection", "Store"]
