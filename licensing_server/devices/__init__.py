"""Devices: identity, one-time enrolment tokens, tags, presence."""

from licensing_server.devices.device import Keys, Reporting, device_of, lock, lock_reporting
from licensing_server.devices.enrolment import Redeemed, redeem

__all__ = ["Keys", "Redeemed", "Reporting", "device_of", "lock", "lock_reporting", "redeem"]
