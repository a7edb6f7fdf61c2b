"""Digests of files and trees on a disk that may change, refuse or mislead while it is read.

Nothing here raises for what it finds, and nothing waits: special files are not opened, and no more of a file is read
than it had when the reading began.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

from device_agent.measurement.state import MISSING, OVERSIZED, SPECIAL, UNREADABLE
from licensing_protocol.canonical import digest
from licensing_protocol.measurement import TreeLeaf

MAX_FILE_BYTES: Final = 4 * 2**30
MAX_LEAVES: Final = 50_000
_CHUNK_BYTES: Final = 2**20
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_Stamp: TypeAlias = tuple[int, int, int, int, int]


class TooManyLeaves(Exception):
    """The tree has more than :data:`MAX_LEAVES` files."""


class FileReader:
    """Reads digests, and remembers those of files that have not been touched.

    A file whose inode, size and times have stood still through two readings is not read a third time. Once is not
    enough: a write within one tick of the file system's clock leaves the times as they were. The change time cannot
    be set by whoever owns the file, only by whoever owns the machine; :meth:`forget` makes the next reading whole.
    """

    def __init__(self) -> None:
        self._read_once: dict[_Stamp, bytes] = {}
        self._read_twice: dict[_Stamp, bytes] = {}

    def forget(self) -> None:
        """Read every byte again next time."""
        self._read_once, self._read_twice = {}, {}

    def file(self, path: Path) -> bytes:
        """Return the digest of what the product would read at ``path``, following links as it would."""
        return self._digest(path, _FLAGS)

    def tree(self, top: Path) -> list[TreeLeaf]:
        """Return the leaves of the tree below ``top``; links inside it are measured and not followed.

        Raises:
            TooManyLeaves: the tree is larger than an agent measures.
            FileNotFoundError, OSError: ``top`` itself is missing, or no folder that can be read.
        """
        os.scandir(top).close()
        leaves: list[TreeLeaf] = []
        for leaf in self._walk(top):
            if len(leaves) == MAX_LEAVES:
                raise TooManyLeaves
            leaves.append(leaf)
        return leaves

    def _walk(self, top: Path) -> Iterator[TreeLeaf]:
        pending = [top]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(folder / entry.name)
                        else:
                            yield from self._leaf(folder / entry.name, _within(top, folder / entry.name))
            except FileNotFoundError:
                continue
            except OSError:
                yield TreeLeaf(_within(top, folder), "f", 0, UNREADABLE)

    def _leaf(self, path: Path, name: bytes) -> Iterator[TreeLeaf]:
        """Yield the leaf, or nothing where the file went away meanwhile."""
        try:
            found = path.lstat()
            mode = stat.S_IMODE(found.st_mode)
            if stat.S_ISLNK(found.st_mode):
                yield TreeLeaf(name, "l", mode, _target(path))
                return
        except FileNotFoundError:
            return
        except OSError:
            yield TreeLeaf(name, "f", 0, UNREADABLE)
            return
        content = self._digest(path, _FLAGS | os.O_NOFOLLOW)
        if content != MISSING:
            yield TreeLeaf(name, "f", mode, content)

    def _digest(self, path: Path, flags: int) -> bytes:
        try:
            # Looked at before it is opened: opening a device can act on it.
            if not stat.S_ISREG(path.stat(follow_symlinks=not flags & os.O_NOFOLLOW).st_mode):
                return SPECIAL
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            return MISSING
        except (OSError, ValueError):
            return UNREADABLE
        try:
            return self._content(descriptor)
        except OSError:
            return UNREADABLE
        finally:
            os.close(descriptor)

    def _content(self, descriptor: int) -> bytes:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return SPECIAL
        if found.st_size > MAX_FILE_BYTES:
            return OVERSIZED
        stamp = _stamp(found)
        known = self._read_twice.get(stamp)
        if known is not None:
            return known
        content = _hash(descriptor, found.st_size)
        if _stamp(os.fstat(descriptor)) == stamp:
            self._remember(stamp, content)
        return content

    def _remember(self, stamp: _Stamp, content: bytes) -> None:
        if self._read_once.pop(stamp, None) == content:
            self._read_twice[stamp] = content
        else:
            self._read_once[stamp] = content
        # Stamps of files long gone are never asked for again.
        if len(self._read_once) + len(self._read_twice) > 2 * MAX_LEAVES:
            self.forget()


def _hash(descriptor: int, size: int) -> bytes:
    content = sha256()
    left = size
    while left > 0:
        chunk = os.read(descriptor, min(_CHUNK_BYTES, left))
        if not chunk:
            break
        content.update(chunk)
        left -= len(chunk)
    return content.digest()


def _within(top: Path, path: Path) -> bytes:
    return os.fsencode(path.relative_to(top))


def _target(link: Path) -> bytes:
    # pathlib would respell the target, and another spelling is another link.
    return digest(os.fsencode(os.readlink(link)))  # noqa: PTH115


def _stamp(found: os.stat_result) -> _Stamp:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
