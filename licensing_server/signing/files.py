"""Keys in encrypted files that only the server's account can read: the default."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from licensing_protocol.canonical import digest
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.keys import Signer, SoftwareSigner
from licensing_protocol.trust import Delegation
from licensing_server.problem import Unavailable

_OWNER_ONLY = 0o600
_FOLDER_MODE = 0o700
_MAC_LABEL = b"interlock/challenge-key/1"
# The key of the server itself: it signs no document, only what challenges and backups are sealed with is made from it.
_SERVER = "server.pem"
_NAME = re.compile(rf"(?P<purpose>{'|'.join(Delegation)})\.(?P<number>[0-9]{{1,9}})\.pem")


class FileKeys:
    """One PKCS#8 file for each key, named by its purpose and a number that rises: ``keys/status.2.pem``."""

    def __init__(self, data_dir: Path, passphrase: str | None) -> None:
        self._data_dir = data_dir
        self._folder = data_dir / "keys"
        self._passphrase = passphrase
        self._read: Mapping[Path, Signer] = {}

    def load(self) -> dict[Delegation, list[Signer]]:
        """Return the signers for each purpose, the oldest first.

        Raises:
            Unavailable: ``signing.unreadable``; the sentence says what to do.
        """
        secret = passphrase_of(self._data_dir, self._passphrase)
        # A key is opened once: that is made slow on purpose.
        self._read = {path: self._read.get(path) or _open(path, secret) for _, _, path in self._files()}
        held: dict[Delegation, list[Signer]] = {}
        for delegation, _, path in self._files():
            held.setdefault(delegation, []).append(self._read[path])
        return held

    def make(self, delegation: Delegation) -> Signer:
        """Make a new key in a file of its own."""
        secret = passphrase_of(self._data_dir, self._passphrase)
        number = max((number for purpose, number, _ in self._files() if purpose is delegation), default=0) + 1
        signer = SoftwareSigner.generate()
        write_secret(self._folder / f"{delegation}.{number}.pem", signer.to_pem(secret))
        return signer

    def _files(self) -> list[tuple[Delegation, int, Path]]:
        named = ((_NAME.fullmatch(path.name), path) for path in self._folder.glob("*.pem"))
        return sorted((Delegation(name["purpose"]), int(name["number"]), path) for name, path in named if name)


def begin(data_dir: Path, passphrase: str | None) -> None:
    """Make the folder of the keys with the server's own; without a passphrase one is made and stored beside them."""
    keys = data_dir / "keys"
    keys.mkdir(mode=_FOLDER_MODE, parents=True)
    if passphrase is None:
        passphrase = secrets.token_urlsafe(32)
        write_secret(data_dir / "passphrase", passphrase.encode())
    write_secret(keys / _SERVER, SoftwareSigner.generate().to_pem(passphrase.encode()))


def mac_key(data_dir: Path, passphrase: str | None) -> bytes:
    """Return the key of challenges and seals.

    Raises:
        Unavailable: ``signing.absent`` or ``signing.unreadable``; the sentence says what to do.
    """
    # Derived from a private key, never from the passphrase: nonces are public and must not help to guess it.
    server = _open(data_dir / "keys" / _SERVER, passphrase_of(data_dir, passphrase))
    return digest(_MAC_LABEL, server.sign(_MAC_LABEL))


def passphrase_of(data_dir: Path, passphrase: str | None) -> bytes:
    """Return the passphrase that was given, or that lies in the data folder.

    Raises:
        Unavailable: ``signing.absent``.
    """
    try:
        return (passphrase or (data_dir / "passphrase").read_text("utf-8").strip()).encode()
    except OSError as error:
        raise _absent(data_dir) from error


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file that only its owner can read, and wait until it is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _open(path: Path, passphrase: bytes) -> SoftwareSigner:
    try:
        return SoftwareSigner.from_pem(path.read_bytes(), passphrase)
    except OSError as error:
        raise _absent(path.parent.parent) from error
    except MalformedDocument as error:
        raise Unavailable(
            "signing.unreadable", "The signing keys do not open; look at INTERLOCK_KEY_PASSPHRASE."
        ) from error


def _absent(data_dir: Path) -> Unavailable:
    return Unavailable("signing.absent", f"There are no signing keys below {data_dir}; run: interlock init")
