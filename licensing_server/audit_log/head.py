"""The newest head that this server signed or saw, kept outside the database: a file below the data folder.

A database that was set back to an older state does not know what was signed since. The file does: it is written, and on
the disk, before a head is shown to anybody. Each replica keeps one; several on one folder share it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from licensing_protocol.errors import InterlockError
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_server.problem import Unavailable

FILE = "log.head"
_OWNER_ONLY = 0o600


class HeadFile:
    """One file that never goes back."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE

    def read(self) -> Note | None:
        """Return the head, ``None`` where none was ever signed here.

        Raises:
            Unavailable: ``log.head``.
        """
        try:
            return Note.parse(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, InterlockError) as error:
            raise _unusable(self._path, "read") from error

    def advance(self, head: Note) -> None:
        """Keep a head that is newer than the kept one, or of a log that followed; return once it is on the disk.

        Raises:
            Unavailable: ``log.head``; then the head must not be shown to anybody.
        """
        try:
            with self._locked():
                if _is_newer(head, self.read()):
                    self._replace(head.to_bytes())
        except OSError as error:
            raise _unusable(self._path, "written") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # The folder itself is locked: the file is replaced, and a lock on it would go with it.
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _replace(self, content: bytes) -> None:
        draft = self._path.with_name(f".{FILE}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        finally:
            draft.unlink(missing_ok=True)


def _is_newer(head: Note, kept: Note | None) -> bool:
    if kept is None:
        return True
    new, old = Checkpoint.parse(head.text), Checkpoint.parse(kept.text)
    return new.origin != old.origin or new.size > old.size


def _unusable(path: Path, done: str) -> Unavailable:
    sentence = f"{path} cannot be {done}: without it no checkpoint is signed. Look at the disk and at whose it is."
    return Unavailable("log.head", sentence)
