"""Key custody: one signing key for each purpose, in encrypted files that only the server's account can read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from fastapi import Request

from licensing_protocol.canonical import digest
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.keys import KeySet, Signer, SoftwareSigner
from licensing_protocol.trust import Delegation
from licensing_server.problem import Unavailable

_OWNER_ONLY = 0o600
_FOLDER_MODE = 0o700
_MAC_LABEL = b"interlock/challenge-key/1"


class Custody:
    """The signers of this exporter. Callers get signers, never keys."""

    def __init__(self, signers: Mapping[Delegation, Signer], mac_key: bytes) -> None:
        self._signers = signers
        self.mac_key = mac_key

    @classmethod
    def create(cls, data_dir: Path, passphrase: str | None) -> Custody:
        """Make fresh keys below ``data_dir``; without a passphrase one is made and stored beside them."""
        keys = data_dir / "keys"
        keys.mkdir(mode=_FOLDER_MODE, parents=True)
        if passphrase is None:
            passphrase = secrets.token_urlsafe(32)
            _write_secret(data_dir / "passphrase", passphrase.encode())
        for delegation in Delegation:
            _write_secret(_file(keys, delegation), SoftwareSigner.generate().to_pem(passphrase.encode()))
        return cls.open(data_dir, passphrase)

    @classmethod
    def open(cls, data_dir: Path, passphrase: str | None) -> Custody:
        """Read the keys.

        Raises:
            Unavailable: ``signing.absent`` or ``signing.unreadable``; the sentence says what to do.
        """
        try:
            secret = passphrase or (data_dir / "passphrase").read_text("utf-8").strip()
            pems = {name: _file(data_dir / "keys", name).read_bytes() for name in Delegation}
            signers = {name: SoftwareSigner.from_pem(pem, secret.encode()) for name, pem in pems.items()}
        except OSError as error:
            raise Unavailable(
                "signing.absent", f"There are no signing keys below {data_dir}; run: interlock init"
            ) from error
        except MalformedDocument as error:
            raise Unavailable(
                "signing.unreadable", "The signing keys do not open; look at INTERLOCK_KEY_PASSPHRASE."
            ) from error
        # Derived from a private key, never from the passphrase: nonces are public and must not help to guess it.
        return cls(signers, digest(_MAC_LABEL, signers[Delegation.RECEIPT].sign(_MAC_LABEL)))

    def signer(self, delegation: Delegation) -> Signer:
        """Return the signer for one purpose."""
        return self._signers[delegation]

    def keys(self) -> dict[Delegation, KeySet]:
        """Return the public keys by purpose."""
        return {name: KeySet(signer.key) for name, signer in self._signers.items()}


def custody(request: Request) -> Custody:
    """Return the custody of the running server, as a dependency of routes."""
    held: Custody = request.app.state.custody
    return held


def _file(folder: Path, delegation: Delegation) -> Path:
    return folder / f"{delegation}.pem"


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
