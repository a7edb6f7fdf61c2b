"""What the product consists of just now: its files, trees of files and settings, by digest (protocol §6)."""

from __future__ import annotations

from device_agent.measurement import kept
from device_agent.measurement.changes import Change, changes
from device_agent.measurement.files import FileReader
from device_agent.measurement.measure import Measured, Settings, measure
from device_agent.measurement.state import MISSING, OVERSIZED, SPECIAL, UNREADABLE

__all__ = [
    "MISSING",
    "OVERSIZED",
    "SPECIAL",
    "UNREADABLE",
    "Change",
    "FileReader",
    "Measured",
    "Settings",
    "changes",
    "kept",
    "measure",
]
