"""Devices: identity, one-time enrolment tokens, tags, presence."""

from licensing_server.devices.device import device_of, lock
from licensing_server.devices.enrolment import Redeemed, redeem

__all__ = ["Redeemed", "device_of", "lock", "redeem"]
