"""Devices: identity, one-time enrolment tokens, tags, presence."""

from licensing_server.devices.device import Reporting, device_of, key_of, lock, lock_reporting
from licensing_server.devices.enrolment import Redeemed, redeem

__all__ = ["Redeemed", "Reporting", "device_of", "key_of", "lock", "lock_reporting", "redeem"]
