"""What the agent takes up: files of its installation, and bytes on the line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import device_agent
import licensing_protocol
from device_agent.exchange import Arriving, Request, Transport

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_BYTECODE: Final = "__pycache__"


@dataclass
class Counting(Transport):
    """Passes everything to another transport, and keeps the bytes of the last request and answer with a body."""

    inner: Transport
    sent: int = 0
    received: int = 0

    @contextmanager
    def open(self, request: Request) -> Iterator[Arriving]:
        """Send a request and give its answer as it arrives."""
        with self.inner.open(request) as arriving:
            body = b"".join(arriving.chunks)
            if request.body is not None:
                self.sent, self.received = len(request.body), len(body)
            yield Arriving(arriving.status, arriving.headers, iter([body]))


def folder_bytes(folder: Path) -> int:
    """Return the size of all files below a folder, but for bytecode, which Python makes by itself."""
    files = (path for path in folder.rglob("*") if path.is_file() and _BYTECODE not in path.parts)
    return sum(path.stat().st_size for path in files)


def installed_bytes() -> int:
    """Return the size of the agent, the protocol, and every library that a base installation brings."""
    own = sum(folder_bytes(Path(package.__path__[0])) for package in (device_agent, licensing_protocol))
    return own + sum(map(_size, _needed("interlock")))


def _needed(name: str) -> list[Distribution]:
    """Return what a distribution needs, and what that needs, without extras and without what is for other systems."""
    found: dict[str, Distribution] = {}
    waiting = [name]
    while waiting:
        for requirement in distribution(waiting.pop()).requires or ():
            named = _NAME.match(requirement)
            if named is None or "extra ==" in requirement or named[0] in found:
                continue
            try:
                found[named[0]] = distribution(named[0])
            except PackageNotFoundError:
                continue
            waiting.append(named[0])
    return list(found.values())


def _size(installed: Distribution) -> int:
    paths = (Path(str(file.locate())) for file in installed.files or () if _BYTECODE not in file.parts)
    return sum(path.stat().st_size for path in paths if path.is_file())
