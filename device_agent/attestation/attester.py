"""Who signs for the device. In this form a key in a file; a TPM will stand behind the same port."""

from __future__ import annotations

import os
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

from device_agent.errors import StoreUnreadable
from device_agent.store.connection import typed
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.keys import Signer, SoftwareSigner

FILE: Final = "device.key"
_OWNER_ONLY: Final = 0o600


class Attester(ABC):
    """Port to what holds the device's key."""

    @abstractmethod
    def signer(self) -> Signer:
        """Return the signer of the device's one key; the same key every time."""


class SoftwareAttester(Attester):
    """A key in the store's folder, readable by its owner only. Whoever copies the folder copies the device."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    @classmethod
    def open(cls, folder: Path) -> SoftwareAttester:
        """Read the key, which is made where there is none; of several processes that make one at once, one prevails.

        Raises:
            StoreError: the file cannot be read or written, or holds no key.
        """
        path = folder / FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                _make(path)
            return cls(SoftwareSigner.from_pem(path.read_bytes()))
        except OSError as error:
            raise typed(error) from error
        except MalformedDocument as error:
            raise StoreUnreadable("the device's key is damaged") from error

    def signer(self) -> Signer:
        """Return the signer of the device's one key."""
        return self._signer


def _make(path: Path) -> None:
    draft = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY), "wb") as file:
            file.write(SoftwareSigner.generate().to_pem())
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole and never replaces: whoever comes second uses the first one's key.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
