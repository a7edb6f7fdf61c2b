"""Where the device is: positions as the product's receivers give them, and whether they can be true.

The sources for receivers are modules of their own: ``nmea`` and ``gpx`` need the extra ``nmea``, ``gpsd`` needs none.
"""

from __future__ import annotations

from device_agent.location.implausible import Implausible, Problem
from device_agent.location.observation import Observation
from device_agent.location.plausibility import Sighting, implied_speed
from device_agent.location.positions import Positions
from device_agent.location.replay import Replay
from device_agent.location.source import AnySource, CallableSource, LocationSource, sound, sources

__all__ = [
    "AnySource",
    "CallableSource",
    "Implausible",
    "LocationSource",
    "Observation",
    "Positions",
    "Problem",
    "Replay",
    "Sighting",
    "implied_speed",
    "sound",
    "sources",
]
