"""The folder in which a monitor remembers a log, and keeps the evidence if the log does not stand by what it showed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final

from licensing_protocol.canonical import decode_object, digest, encode
from licensing_protocol.errors import InterlockError
from licensing_server.auditing.errors import Discrepancy, SourceUnreachable
from licensing_server.auditing.life import Life
from licensing_server.auditing.monitor import Seen, SplitView, Step
from licensing_server.auditing.source import CHECKPOINT

if sys.platform != "win32":
    import fcntl

_SEEN: Final = "seen.json"
_LIFE: Final = "life.json"
_HEADS: Final = "heads"
_EVIDENCE: Final = "evidence"
_DRAFT: Final = "draft"
_LOCK: Final = "lock"


class State:
    """``heads`` holds every checkpoint that was taken, ``evidence`` both sides of every contradiction.

    One monitor at a time remembers in a folder: of two, the slower one would put back what the other has gone beyond.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder)

    def close(self) -> None:
        """Let another monitor remember here."""
        os.close(self._lock)

    def seen(self) -> Seen:
        """Return what is remembered; of a new folder, nothing. Discrepancy ``audit.state``."""
        value = self.read(_SEEN)
        if value is None:
            return Seen()
        try:
            return Seen.parse(value)
        except InterlockError as error:
            raise Discrepancy.at(str(self.folder / _SEEN), error) from error

    def life(self) -> Life:
        """Return the newest sign of life of the log; of a new folder, none. Discrepancy ``audit.state``."""
        value = self.read(_LIFE)
        try:
            return Life() if value is None else Life.parse(value)
        except InterlockError as error:
            raise Discrepancy.at(str(self.folder / _LIFE), error) from error

    def live(self, life: Life) -> None:
        """Remember a sign of life."""
        self.write(_LIFE, life.to_json())

    def take(self, step: Step) -> None:
        """Remember what was found; what is remembered is replaced last, and in one step."""
        data = step.note.to_bytes()
        self._write(f"{_HEADS}/{step.checkpoint.size}.checkpoint", data)
        self._write(CHECKPOINT, data)
        self.write(_SEEN, step.seen.to_json())

    def keep(self, split: SplitView) -> Path:
        """Keep the head that was shown beside the one that it contradicts, and return their folder."""
        shown = split.shown.to_bytes()
        name = f"{_EVIDENCE}/{digest(split.shown.text.encode()).hex()[:16]}"
        self._write(f"{name}/shown.checkpoint", shown)
        remembered = self.folder / CHECKPOINT
        if split.held is not None:
            self._write(f"{name}/held.checkpoint", split.held.to_bytes())
        elif remembered.exists():
            self._write(f"{name}/held.checkpoint", remembered.read_bytes())
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
        # Never beside the heads: half a file among them would be taken for one.
        fresh = self.folder / _DRAFT
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """Wait until what was put into a folder stays there, where the system can say so."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _locked(folder: Path) -> int:
    """Return a descriptor that holds the folder until it is closed, or the process ends however it does.

    Raises:
        SourceUnreachable: ``audit.in_use``.
    """
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Other systems have no such lock; there, whoever runs the monitor sees to it.
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        sentence = f"Another monitor is at work in {folder}; wait for its end, or name another folder."
        raise SourceUnreachable(sentence, code="audit.in_use") from error
    return descriptor
