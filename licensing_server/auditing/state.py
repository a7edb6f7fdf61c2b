"""The folder in which a monitor remembers a log, and keeps the evidence if the log does not stand by what it showed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from licensing_protocol.canonical import decode_object, digest, encode
from licensing_protocol.errors import InterlockError
from licensing_server.auditing.errors import Discrepancy
from licensing_server.auditing.monitor import Seen, SplitView, Step
from licensing_server.auditing.source import CHECKPOINT

_SEEN: Final = "seen.json"
_HEADS: Final = "heads"
_EVIDENCE: Final = "evidence"


class State:
    """``heads`` holds every checkpoint that was taken, ``evidence`` both sides of every contradiction."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def seen(self) -> Seen:
        """Return what is remembered; of a new folder, nothing. Discrepancy ``audit.state``."""
        value = self.read(_SEEN)
        if value is None:
            return Seen()
        try:
            return Seen.parse(value)
        except InterlockError as error:
            raise Discrepancy.at(str(self.folder / _SEEN), error) from error

    def take(self, step: Step) -> None:
        """Remember what was found; what is remembered is replaced last, and in one step."""
        data = step.note.to_bytes()
        self._write(f"{_HEADS}/{step.checkpoint.size}.checkpoint", data)
        self._write(CHECKPOINT, data)
        self.write(_SEEN, step.seen.to_json())

    def keep(self, split: SplitView) -> Path:
        """Keep the head that was shown beside the one that is remembered, and return their folder."""
        shown = split.shown.to_bytes()
        name = f"{_EVIDENCE}/{digest(split.shown.text.encode()).hex()[:16]}"
        self._write(f"{name}/shown.checkpoint", shown)
        held = self.folder / CHECKPOINT
        if held.exists():
            self._write(f"{name}/held.checkpoint", held.read_bytes())
        self._write(f"{name}/why.txt", f"{split.code}\n{split}\n".encode())
        return self.folder / name

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a JSON object that is remembered, ``None`` where there is none; Discrepancy."""
        path = self.folder / name
        try:
            return decode_object(path.read_bytes()) if path.exists() else None
        except InterlockError as error:
            raise Discrepancy.at(str(path), error) from error

    def write(self, name: str, value: dict[str, Any]) -> None:
        """Remember a JSON object, durably."""
        self._write(name, encode(value))

    def _write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.new")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
