"""Files that commands read and write: JSON strictly decoded, secrets for their owner's eyes only."""

from __future__ import annotations

import os
from pathlib import Path

from licensing_protocol import canonical
from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_server.cli.exits import Misused, Refused

_OWNER_ONLY = 0o600


def read_object(path: Path) -> JsonObject:
    """Return the JSON object in a file.

    Raises:
        Misused: ``file.json`` where it holds none.
    """
    try:
        return canonical.decode_object(path.read_bytes())
    except MalformedDocument as error:
        raise Misused("file.json", f"{path}: {error}") from error


def read_passphrase(path: Path | None) -> bytes | None:
    """Return the passphrase in a file, ``None`` without one."""
    return None if path is None else path.read_bytes().strip()


def write_secret(path: Path, text: str) -> None:
    """Write a new file that only its owner can read.

    Raises:
        Refused: ``file.exists``: a secret never replaces another.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError as error:
        raise Refused("file.exists", f"{path} is there already; choose another name.") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def replace_secret(path: Path, text: str) -> None:
    """Replace a secret as one step: whoever reads finds the old one or the new one, whole."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    write_secret(fresh, text)
    fresh.replace(path)
