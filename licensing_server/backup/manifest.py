"""What an archive says about itself: digests of its members, sealed by a key that only the passphrase opens."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from licensing_protocol.canonical import JsonObject, decode_object, digest, encode, to_base64url
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields
from licensing_server.problem import Unprocessable

FORMAT: Final = "interlock-backup/1"
_SEAL_KEY: Final = b"interlock/backup-key/1"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """``files`` maps members to digests, ``rows`` tables to their length; ``revision`` is the schema."""

    made_at: int
    revision: str
    issuer: str
    public_url: str
    files: Mapping[str, str]
    rows: Mapping[str, int]

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Read a manifest.

        Raises:
            Unprocessable: ``backup.format`` for one of another version, ``backup.damaged``.
        """
        try:
            fields = Fields(decode_object(data), "backup")
            if fields.text("format") != FORMAT:
                raise Unprocessable("backup.format", "This archive is of another kind or a newer version of interlock.")
            manifest = cls(
                made_at=fields.integer("made_at"),
                revision=fields.text("revision"),
                issuer=fields.text("issuer"),
                public_url=fields.text("public_url", longest=2048),
                files={name: str(value) for name, value in fields.members("files", most=10_000)},
                rows={name: int(value) for name, value in fields.members("rows", most=10_000)},
            )
            fields.end()
        except (MalformedDocument, ValueError, TypeError) as error:
            raise damaged("its manifest cannot be read") from error
        return manifest

    @property
    def log_size(self) -> int:
        """How many entries the log had, those that waited for their index included."""
        return self.rows.get("log_entry", 0)

    def to_bytes(self) -> bytes:
        """Return what :meth:`parse` reads."""
        members: JsonObject = {name: getattr(self, name) for name in self.__dataclass_fields__}
        members |= {"files": dict(self.files), "rows": dict(self.rows)}
        return encode({"format": FORMAT} | members)


def seal(manifest: bytes, mac_key: bytes) -> str:
    """Return the code that nobody without the passphrase of the keys can make."""
    key = digest(_SEAL_KEY, mac_key)
    return to_base64url(hmac.digest(key, manifest, "sha256"))


def refuse_unless_sealed(manifest: bytes, given: str, mac_key: bytes) -> None:
    """Verify the seal.

    Raises:
        Unprocessable: ``backup.damaged``.
    """
    if not hmac.compare_digest(seal(manifest, mac_key), given):
        raise damaged("its seal does not hold")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, base64url."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            state.update(block)
    return to_base64url(state.digest())


def damaged(how: str) -> Unprocessable:
    """Return the refusal for an archive that is not what was written."""
    return Unprocessable("backup.damaged", f"This archive is damaged: {how}. Nothing was restored; take another copy.")
