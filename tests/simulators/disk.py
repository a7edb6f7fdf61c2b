"""A disk whose power can fail: what was not synced is then kept, lost, torn at a sector, or only its length is there.

It fails now and then while it is on, if it is told to. And it can lie: then a sync does nothing, and a power cut takes
back the newest of what was written, as it does where a volatile cache is in front of a disk.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise
from random import Random
from typing import Protocol

SECTOR = 512
"""Bytes that a disk writes at once."""


class Fault(OSError):
    """The disk did not do what it was asked: it is full, broken or without power."""


class Fate(Enum):
    """What a power cut makes of one change that was not synced."""

    KEPT = auto()
    LOST = auto()
    TORN = auto()
    LENGTH_ONLY = auto()


class Change(Protocol):
    """One thing that was done to a file; ``number`` tells what came before it on the whole disk."""

    @property
    def number(self) -> int: ...

    def apply(self, content: bytearray) -> None:
        """Do it."""

    def suffer(self, content: bytearray, fate: Fate, chosen: Random) -> None:
        """Do what its fate leaves of it."""


@dataclass(frozen=True, slots=True)
class _Written:
    number: int
    at: int
    data: bytes

    def apply(self, content: bytearray) -> None:
        _lengthen(content, self.at)
        content[self.at : self.at + len(self.data)] = self.data

    def suffer(self, content: bytearray, fate: Fate, chosen: Random) -> None:
        if fate is Fate.KEPT:
            self.apply(content)
        elif fate is Fate.TORN:
            for at, piece in self._pieces(chosen):
                _Written(self.number, at, piece).apply(content)
        elif fate is Fate.LENGTH_ONLY:
            _lengthen(content, self.at + len(self.data))

    def _pieces(self, chosen: Random) -> Iterator[tuple[int, bytes]]:
        """Yield some of the sectors, and of one perhaps the first bytes only."""
        end = self.at + len(self.data)
        cuts = [self.at, *range(self.at - self.at % SECTOR + SECTOR, end, SECTOR), end]
        torn = chosen.randrange(len(cuts))
        for number, (first, last) in enumerate(pairwise(cuts)):
            piece = self.data[first - self.at : last - self.at]
            if number == torn:
                yield first, piece[: chosen.randint(0, len(piece))]
            elif chosen.getrandbits(1):
                yield first, piece


@dataclass(frozen=True, slots=True)
class _Truncated:
    number: int
    size: int

    def apply(self, content: bytearray) -> None:
        del content[self.size :]
        _lengthen(content, self.size)

    def suffer(self, content: bytearray, fate: Fate, chosen: Random) -> None:
        if fate is not Fate.LOST:
            self.apply(content)


class File:
    """What programs read of a file, what is on the disk, and the changes between the two."""

    def __init__(self, disk: Disk, data: bytes = b"") -> None:
        self._disk = disk
        self._seen, self._kept = bytearray(data), bytearray(data)
        self._unsynced: list[Change] = []

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(self._seen)

    def read(self, at: int, count: int) -> bytes:
        """Return as many bytes, or what there is of them."""
        self._disk.act(changes=False)
        return bytes(self._seen[at : at + count])

    def write(self, at: int, data: bytes) -> None:
        """Write bytes; where the disk fails, perhaps the first ones of them."""
        had_power = self._disk.is_on
        try:
            self._disk.act()
        except Fault:
            if had_power:
                self._do(_Written(self._disk.next_number(), at, data[: self._disk.chosen.randrange(len(data) + 1)]))
            raise
        self._do(_Written(self._disk.next_number(), at, data))

    def truncate(self, size: int) -> None:
        """Set where it ends."""
        self._disk.act()
        self._do(_Truncated(self._disk.next_number(), size))

    def sync(self) -> None:
        """Return once it is on the disk, and its name too.

        What a sync that failed was for is on the disk or lost: the next one does not make up for it.
        """
        try:
            self._disk.act()
        except Fault:
            if self._disk.is_on:
                self._settle(None)
            raise
        if not self._disk.lies:
            for change in self._unsynced:
                change.apply(self._kept)
            self._unsynced.clear()
            self._disk.sync_names()

    def cut(self, newest: int | None) -> None:
        """Be what a power cut leaves: with ``newest`` all up to the change of this number, else anything."""
        self._settle(newest)
        self._seen = bytearray(self._kept)

    def _do(self, change: Change) -> None:
        change.apply(self._seen)
        self._unsynced.append(change)

    def _settle(self, newest: int | None) -> None:
        chosen = self._disk.chosen
        for change in self._unsynced:
            if newest is None:
                change.suffer(self._kept, chosen.choice(list(Fate)), chosen)
            elif change.number <= newest:
                change.apply(self._kept)
        self._unsynced.clear()


class Disk:
    """Files by name. ``chosen`` decides what fails and what is left; ``fault_rate`` is how often something fails.

    Whatever is done to it raises Fault where there is no power.
    """

    def __init__(self, chosen: Random, *, lies: bool = False) -> None:
        self.chosen, self.lies, self.is_on, self.fault_rate = chosen, lies, True, 0.0
        self.faults = 0
        self._files: dict[str, File] = {}
        # What each name stood for since names were synced, and from which change on.
        self._names: dict[str, list[tuple[int, File | None]]] = {}
        self._number, self._booted_at = 0, 0
        self._steps_left: int | None = None
        self._only_changes = False

    def put(self, name: str, data: bytes) -> None:
        """Let a file be there, all of it on the disk."""
        self._files[name] = File(self, data)

    def find(self, name: str) -> File | None:
        """Return a file."""
        return self._files.get(name)

    def open(self, name: str) -> File:
        """Return a file, a new one if there is none."""
        self.step(changes=True)
        if name not in self._files:
            self._rename(name, File(self))
        return self._files[name]

    def delete(self, name: str) -> None:
        """Delete a file."""
        self.act()
        self._rename(name, None)

    def sync_names(self) -> None:
        """Return once the folder is on the disk."""
        if not self.lies:
            self._names.clear()

    def fail_after(self, steps: int, *, only_changes: bool = False) -> None:
        """Let the power fail when so much more was done, or was done that changes what is on the disk."""
        self._steps_left, self._only_changes = steps, only_changes

    def step(self, *, changes: bool = False) -> None:
        """Go on, unless the power fails in this moment."""
        if self._steps_left is not None and (changes or not self._only_changes):
            self._steps_left -= 1
            self.is_on = self._steps_left > 0
        if not self.is_on:
            raise Fault(errno.EIO, "There is no power.")

    def act(self, *, changes: bool = True) -> None:
        """Go on, unless the power or the disk fails in this moment."""
        self.step(changes=changes)
        if self.chosen.random() < self.fault_rate:
            self.faults += 1
            raise Fault(self.chosen.choice((errno.EIO, errno.ENOSPC)), "The disk failed.")

    def next_number(self) -> int:
        """Return the number of the next change."""
        self._number += 1
        return self._number

    def restart(self) -> None:
        """Switch on again, with what a power cut in this moment leaves."""
        newest = self.chosen.randint(self._booted_at, self._number) if self.lies else None
        for name, states in self._names.items():
            since = [file for number, file in states if newest is None or number <= newest]
            self._set(name, self.chosen.choice(since) if newest is None else since[-1])
        self._names.clear()
        for file in self._files.values():
            file.cut(newest)
        self._booted_at = self._number
        self._steps_left, self.is_on, self.fault_rate = None, True, 0.0

    def _rename(self, name: str, file: File | None) -> None:
        states = self._names.setdefault(name, [(0, self._files.get(name))])
        states.append((self.next_number(), file))
        self._set(name, file)

    def _set(self, name: str, file: File | None) -> None:
        if file is None:
            self._files.pop(name, None)
        else:
            self._files[name] = file


def _lengthen(content: bytearray, size: int) -> None:
    content.extend(bytes(max(0, size - len(content))))
