"""A camera of the story: a process of the product in ``examples.face_camera``, spoken to through its console."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from examples.demo.processes import Processes, Running
from examples.demo.screen import Screen
from examples.demo.waiting import wait_for
from licensing_protocol.canonical import JsonObject, decode_object

PRODUCT = "examples.face_camera"
_SYNC_EVERY_S = "2"
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere the camera is carried to."""

    name: str
    latitude: float
    longitude: float

    @property
    def coordinates(self) -> tuple[float, float]:
        """Latitude and longitude."""
        return self.latitude, self.longitude


STRASBOURG = Place("the town hall of Strasbourg, in France", 48.5846, 7.7507)
HOSPITAL = Place("the hospital of Strasbourg, where the grant forbids to record", 48.5776, 7.7370)
OFFENBURG = Place("Offenburg, across the border", 48.4730, 7.9440)


@dataclass(frozen=True, slots=True)
class Camera:
    """A running camera process, named for who sits at its console."""

    name: str
    folder: Path
    screen: Screen
    process: Running

    @classmethod
    def start(cls, name: str, folder: Path, screen: Screen, processes: Processes) -> Camera:
        """Switch a camera on; its first answer comes once it is up."""
        words = ["run", folder.name, "--sync-every", _SYNC_EVERY_S]
        screen.command(["python", "-m", PRODUCT, *words], None)
        return cls(name, folder, screen, processes.start(name, PRODUCT, words))

    def ask(self, request: str) -> JsonObject:
        """Give one command at the console, and return its answer."""
        answer = self._answer(request)
        self.screen.asked(self.name, request, answer)
        return answer

    def ask_until_told(self, request: str) -> JsonObject:
        """Give one command until its answer brings what the exporter has to say, and return that answer."""
        answer = wait_for(lambda: self._answer(request), lambda answer: bool(answer.get("notices")), _PATIENCE_S)
        self.screen.asked(self.name, request, answer)
        return answer

    def watch(self, capability: str, code: str) -> str:
        """Look at the console's menu until a capability shows ``code``; show the menu, and return what it shows."""
        menu = wait_for(lambda: self._answer("menu"), lambda menu: menu.get(capability) == code, _PATIENCE_S)
        self.screen.asked(self.name, "menu", menu)
        return str(menu.get(capability))

    def carry_to(self, place: Place) -> None:
        """Let the receiver see another place: its driver appends to the track that the agent reads."""
        line = f"{place.latitude},{place.longitude},8"
        self.screen.did(f"the camera is carried to {place.name}; its receiver notes {line}")
        with (self.folder / "track.csv").open("a", encoding="ascii") as track:
            track.write(line + "\n")

    def _answer(self, request: str) -> JsonObject:
        self.process.tell(request)
        return decode_object(self.process.hear().encode("utf-8"))
