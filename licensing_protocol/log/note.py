"""The signed note: a text, and below it one line for each signature (c2sp.org/signed-note).

Whoever reads a note ignores the signatures of keys that they do not know, and believes nothing that no known key has
signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from licensing_protocol.errors import MalformedDocument, OversizedDocument, UnknownKey
from licensing_protocol.log.lines import from_base64, to_base64
from licensing_protocol.log.note_key import KEY_ID_BYTES, NoteKey, NoteSigner, SignatureType, refuse_name

# Room for sixteen and more post-quantum signatures of up to five kilobytes each.
MAX_BYTES: Final = 256 * 1024
_DASH: Final = "\N{EM DASH}"
_PARTS: Final = 3
_FIRST_PRINTABLE: Final = " "


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the name and id of its key, and the bytes after the id."""

    name: str
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Read a line without its newline; MalformedDocument ``note.signature_line``."""
        parts = line.split(" ")
        if len(parts) != _PARTS or parts[0] != _DASH:
            raise MalformedDocument("A signature line is a dash, a name and base64.", code="note.signature_line")
        refuse_name(parts[1])
        data = from_base64(parts[2], "note.signature_line")
        if len(data) <= KEY_ID_BYTES:
            raise MalformedDocument("A signature line holds a key id and a signature.", code="note.signature_line")
        return cls(parts[1], data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])

    @classmethod
    def make(cls, text: str, signer: NoteSigner, now: int) -> Signature:
        """Sign a text at an instant (seconds), which only a cosignature states."""
        return cls(signer.key.name, signer.key.key_id, signer.sign(text, now))

    def to_line(self) -> str:
        """Return what :meth:`parse` reads, with its newline."""
        return f"{_DASH} {self.name} {to_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """``text`` ends in a newline."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read a note.

        Raises:
            OversizedDocument; MalformedDocument: ``note.encoding`` for what is no UTF-8 or holds a control character
            other than the newline; ``note.malformed`` where the text, the blank line or the signatures are missing;
            ``note.signature_line``, ``note.key_name``.
        """
        text, blank, signatures = _text(data).rpartition("\n\n")
        if not blank or not signatures.endswith("\n"):
            raise MalformedDocument("A note is a text, a blank line, and signature lines.", code="note.malformed")
        return cls(text + "\n", signature_lines(signatures))

    def to_bytes(self) -> bytes:
        """Return what :meth:`parse` reads."""
        return (self.text + "\n" + "".join(signature.to_line() for signature in self.signatures)).encode()

    def verify(self, keys: Iterable[NoteKey]) -> tuple[NoteKey, ...]:
        """Return the keys among ``keys`` that signed the text, each once.

        Raises:
            BadSignature: ``note.signature``: one of them is named and did not sign this.
            UnknownKey: ``note.unsigned``: none of them signed it.
        """
        known = {(key.name, key.key_id): key for key in keys}
        signed: dict[NoteKey, None] = {}
        # Each line once: copies of a signature, which anybody can make, cost nothing.
        for signature in dict.fromkeys(self.signatures):
            key = known.get((signature.name, signature.key_id))
            if key is not None:
                key.verify(self.text, signature.signature)
                signed[key] = None
        if not signed:
            raise UnknownKey("None of the keys that are trusted here signed this note.", code="note.unsigned")
        return tuple(signed)

    def cosigned_at(self, key: NoteKey) -> int:
        """Return when a witness last cosigned the text (seconds).

        Raises:
            BadSignature; UnknownKey: as :meth:`verify`. MalformedDocument: ``note.key`` for a key of another kind.
        """
        if key.kind is not SignatureType.COSIGNATURE:
            raise MalformedDocument("Only the key of a witness cosigns.", code="note.key")
        self.verify([key])
        own = {found for found in self.signatures if (found.name, found.key_id) == (key.name, key.key_id)}
        return max(key.verify(self.text, found.signature) or 0 for found in own)

    def signed(self, signer: NoteSigner, now: int) -> Note:
        """Return the note with one more signature."""
        return Note(self.text, (*self.signatures, Signature.make(self.text, signer, now)))


def signature_lines(text: str) -> tuple[Signature, ...]:
    """Read lines each of which ends in a newline; MalformedDocument as :meth:`Signature.parse`."""
    return tuple(Signature.parse(line) for line in text.removesuffix("\n").split("\n"))


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise OversizedDocument(f"A note has at most {MAX_BYTES} bytes.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedDocument("A note is UTF-8.", code="note.encoding") from error
    if any(character < _FIRST_PRINTABLE and character != "\n" for character in text):
        raise MalformedDocument("A note holds no control character but the newline.", code="note.encoding")
    return text
