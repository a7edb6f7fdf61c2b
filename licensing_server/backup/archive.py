"""The archive: a compressed tar whose last members are its manifest and seal, so that one cut short has neither."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from licensing_server.backup.manifest import damaged
from licensing_server.problem import Conflict

MANIFEST: Final = "manifest.json"
SEAL: Final = "manifest.seal"
SETTINGS: Final = "settings.json"
_OWNER_ONLY: Final = 0o600
_MEMBER: Final = re.compile(
    r"(?:tables/[a-z][a-z0-9_]{0,62}\.jsonl|keys/[a-z][a-z0-9_-]{0,62}(?:\.[0-9]{1,9})?\.pem|[a-z]+\.(?:json|seal))"
)
_LEVEL: Final = 6


@contextmanager
def new_archive(target: Path) -> Iterator[tarfile.TarFile]:
    """Yield a new archive; it gets its name when it is whole and on the disk, readable by its owner alone.

    Raises:
        Conflict: ``backup.exists``.
    """
    if target.exists():
        raise Conflict("backup.exists", f"{target} is there already; choose another name.")
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL) as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def unpack(archive: Path, folder: Path) -> dict[str, Path]:
    """Write the members of an archive below ``folder``; return them by name.

    Raises:
        Unprocessable: ``backup.damaged``; OSError where the archive or the folder cannot be used.
    """
    found: dict[str, Path] = {}
    with archive.open("rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r|gz") as members:
                for member in members:
                    found[member.name] = _unpack_one(members, member, folder, found)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise damaged("it ends too early, or is no archive") from error
        except OSError as error:
            # gzip's own error for bytes that are none of its; the disk's errors have a number.
            if error.errno is not None:
                raise
            raise damaged("it is no archive, or some of it was changed") from error
    if MANIFEST not in found or SEAL not in found:
        raise damaged("it has no manifest")
    return found


def _unpack_one(members: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, found: dict[str, Path]) -> Path:
    source = members.extractfile(member) if member.isreg() else None
    if source is None or not _MEMBER.fullmatch(member.name) or member.name in found:
        raise damaged(f"it has a member that is none of ours, {member.name[:60]!r}")
    path = folder / member.name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with source, os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(source, file)
    return path
