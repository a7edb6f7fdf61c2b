"""The position feed: a satellite receiver's driver appends fixes to a track file, and the agent asks for the newest."""

from __future__ import annotations

from pathlib import Path

from device_agent import Fix, LocationSource


class Receiver(LocationSource):
    """Reads a track of lines ``latitude,longitude,uncertainty in metres``.

    Only what is appended after the start counts, and each fix is given once: a receiver that falls silent gives no
    position, never its last one again. The agent lets the last fix grow old by itself.
    """

    def __init__(self, track: Path) -> None:
        self._track = track
        self._read = track.stat().st_size if track.exists() else 0

    def read(self) -> Fix | None:
        """Return the newest fix that was not given yet, or ``None``."""
        if not self._track.exists():
            return None
        with self._track.open("rb") as track:
            track.seek(self._read)
            complete, _, _ = track.read().rpartition(b"\n")
        if not complete:
            return None
        self._read += len(complete) + 1
        return _fix(complete.splitlines()[-1].decode("ascii"))


def _fix(line: str) -> Fix:
    latitude, longitude, uncertainty = map(float, line.split(","))
    return Fix(latitude, longitude, uncertainty)
