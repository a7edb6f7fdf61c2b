"""Keys that sign notes: named, with a short id, and bound to one kind of signature (c2sp.org/signed-note).

A log signs the text itself; a witness signs it together with the time (c2sp.org/tlog-cosignature).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from licensing_protocol import edwards25519
from licensing_protocol.canonical import digest
from licensing_protocol.errors import BadSignature, MalformedDocument
from licensing_protocol.keys import EDDSA, Signer, VerificationKey, verify_ed25519
from licensing_protocol.log.lines import MAX_SIZE, from_base64, to_base64

KEY_ID_BYTES: Final = 4
_TIMESTAMP_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64
_PUBLIC_BYTES: Final = 32
_PARTS: Final = 3


class SignatureType(IntEnum):
    """The kinds of signatures that are made and verified here, with their assigned numbers."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key under a name, for one kind of signature. ``public`` is its 32 bytes (RFC 8032)."""

    name: str
    kind: SignatureType
    public: bytes

    @classmethod
    def of(cls, name: str, kind: SignatureType, key: VerificationKey) -> NoteKey:
        """Give an Ed25519 key a name; MalformedDocument ``note.key`` for another, ``note.key_name``."""
        refuse_name(name)
        if key.algorithm != EDDSA:
            raise MalformedDocument("A note is signed with an Ed25519 key.", code="note.key")
        return cls(name, kind, key.public.public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> NoteKey:
        """Read a verifier key, ``name+id+base64``.

        Raises:
            MalformedDocument: ``note.key`` for another form, an id that is not the key's, a kind of signature that is
                not used here, or no sound key; ``note.key_name``.
        """
        parts = text.split("+", _PARTS - 1)
        if len(parts) != _PARTS:
            raise _malformed("A verifier key is a name, an id and base64, with a plus between them.")
        name, key_id, encoded = parts
        refuse_name(name)
        data = from_base64(encoded, "note.key")
        if data[:1] not in {bytes([kind]) for kind in SignatureType}:
            raise _malformed("A verifier key is for Ed25519 signatures or cosignatures.")
        if len(data) != 1 + _PUBLIC_BYTES or not edwards25519.is_sound(data[1:]):
            raise _malformed("A verifier key holds a sound Ed25519 key.")
        key = cls(name, SignatureType(data[0]), data[1:])
        if key.key_id.hex() != key_id:
            raise _malformed("The verifier key's id is not that of its name and key.")
        return key

    def __str__(self) -> str:
        """Return what :meth:`parse` reads."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.kind]) + self.public)}"

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell, with the name, which key signed."""
        return digest(self.name.encode(), b"\n", bytes([self.kind]), self.public)[:KEY_ID_BYTES]

    def verify(self, text: str, signature: bytes) -> int | None:
        """Verify a signature over a note's text, and return the time that a cosignature states (seconds).

        Raises:
            BadSignature: ``note.signature``.
        """
        time = None
        if self.kind is SignatureType.COSIGNATURE:
            time, signature = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big"), signature[_TIMESTAMP_BYTES:]
        if len(signature) != _SIGNATURE_BYTES or (time or 0) > MAX_SIZE:
            raise self._bad()
        try:
            verify_ed25519(self.public, signature, _message(text, time))
        except BadSignature as error:
            raise self._bad() from error
        return time

    def _bad(self) -> BadSignature:
        return BadSignature(f"The signature of {self.name} does not verify.", code="note.signature")


class NoteSigner:
    """Signs notes with one key; the private half stays behind the ``signer``."""

    def __init__(self, name: str, kind: SignatureType, signer: Signer) -> None:
        self.key = NoteKey.of(name, kind, signer.key)
        self._signer = signer

    def sign(self, text: str, now: int) -> bytes:
        """Return the bytes that follow the key id; ``now`` (seconds) is stated by a cosignature only."""
        if self.key.kind is SignatureType.ED25519:
            return self._signer.sign(_message(text, None))
        return now.to_bytes(_TIMESTAMP_BYTES, "big") + self._signer.sign(_message(text, now))


def refuse_name(name: str) -> None:
    """Refuse a name that is empty, or holds a space, a plus or what is no Unicode.

    Raises:
        MalformedDocument: ``note.key_name``.
    """
    if not name or any(letter.isspace() or letter == "+" or "\ud800" <= letter <= "\udfff" for letter in name):
        raise MalformedDocument("A key's name is not empty and holds neither spaces nor a plus.", code="note.key_name")


def _message(text: str, time: int | None) -> bytes:
    header = "" if time is None else f"cosignature/v1\ntime {time}\n"
    return (header + text).encode()


def _malformed(sentence: str) -> MalformedDocument:
    return MalformedDocument(sentence, code="note.key")
