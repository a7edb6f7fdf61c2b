"""Backup and restore: one archive with every table, the keys as encrypted as they lie, and a manifest of digests."""

from licensing_server.backup.make import Made, back_up
from licensing_server.backup.restore import Restored, restore

__all__ = ["Made", "Restored", "back_up", "restore"]
