"""Where the device is: positions as the product's receivers give them, and whether they can be true."""

from __future__ import annotations

from device_agent.location.plausibility import Sighting, implied_speed
from device_agent.location.source import CallableSource, LocationSource, sound

__all__ = ["CallableSource", "LocationSource", "Sighting", "implied_speed", "sound"]
