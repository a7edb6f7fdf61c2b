"""A camera of the story: a process of the product in ``examples.face_camera``, spoken to through its console."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.demo.processes import Processes, Running
from examples.demo.screen import Screen
from licensing_protocol.canonical import JsonObject, decode_object

_PRODUCT = "examples.face_camera"
_SYNC_EVERY_S = "2"


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere the camera is carried to."""

    name: str
    latitude: float
    longitude: float


STRASBOURG = Place("the town hall of Strasbourg, in France", 48.5846, 7.7507)
HOSPITAL = Place("the hospital of Strasbourg, where the grant forbids to record", 48.5776, 7.7370)
OFFENBURG = Place("Offenburg, across the border", 48.4730, 7.9440)


@dataclass(frozen=True, slots=True)
class Camera:
    """A running camera and its folder."""

    folder: Path
    screen: Screen
    process: Running

    @classmethod
    def install(cls, folder: Path, screen: Screen, processes: Processes, manifest: Path, vendor_key: Path) -> None:
        """Furnish a camera as it leaves the factory."""
        words = ["install", str(folder), "--manifest", str(manifest), "--vendor-key", str(vendor_key)]
        ended = processes.run(_PRODUCT, words)
        screen.command(["python", "-m", _PRODUCT, *words], ended.err or None)

    @classmethod
    def start(cls, folder: Path, screen: Screen, processes: Processes) -> Camera:
        """Switch a camera on; it answers once it is up."""
        words = ["run", str(folder), "--sync-every", _SYNC_EVERY_S]
        process = processes.start("camera", _PRODUCT, words)
        screen.command(["python", "-m", _PRODUCT, *words], None)
        return cls(folder, screen, process)

    @property
    def agent_environment(self) -> dict[str, str]:
        """What a service technician sets to look into this camera with ``interlock-agent``."""
        return {
            "INTERLOCK_AGENT_FOLDER": str(self.folder / "agent"),
            "INTERLOCK_AGENT_MANIFEST": str(self.folder / "manifest.jws"),
            "INTERLOCK_AGENT_VENDOR_KEY": str(self.folder / "vendor-key.json"),
        }

    def ask(self, request: str, *, quietly: bool = False) -> Any:
        """Give one command at the camera's console, and return its answer."""
        self.process.tell(request)
        answer: JsonObject = decode_object(self.process.hear().encode("utf-8"))
        if not quietly:
            self.screen.asked("camera", request, answer)
        return answer

    def carry_to(self, place: Place) -> None:
        """Let the receiver see another place: its driver appends to the track that the agent reads."""
        self.screen.did(
            f"the camera is carried to {place.name}; its receiver notes {place.latitude}, {place.longitude}"
        )
        with (self.folder / "track.csv").open("a", encoding="ascii") as track:
            track.write(f"{place.latitude},{place.longitude},8\n")
