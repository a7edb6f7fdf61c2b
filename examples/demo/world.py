"""What the chapters share: a folder, processes, people, and the steps taken so far."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from examples.demo.people import Person, Terminal
from examples.demo.processes import Processes
from examples.demo.screen import Screen
from examples.demo.steps import Steps


@dataclass(slots=True)
class World:
    """One telling of the story. Every process works inside ``folder``, so commands name files as a person would."""

    folder: Path
    screen: Screen
    processes: Processes
    steps: Steps
    server: str = ""
    device: str = ""
    staff: dict[str, Person] = field(default_factory=dict)

    @property
    def terminal(self) -> Terminal:
        """A shell without anybody's token."""
        return Terminal(self.screen, self.processes)

    def hire(self, name: str, role: str, person: str, token_file: str) -> None:
        """Give somebody a terminal of their own, to act as ``role``."""
        self.staff[role] = Person(name, person, self.terminal, self.server, token_file)

    def write_down(self, source: Path) -> str:
        """Put a file that somebody wrote before the story began into its folder, and return its name there."""
        shutil.copyfile(source, self.folder / source.name)
        return source.name
