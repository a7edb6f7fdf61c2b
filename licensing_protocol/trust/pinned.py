"""The root as a product manifest pins it: read so far that it can be named, and verified when trust is built on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from licensing_protocol.canonical import JsonObject, digest, encode, to_base64url
from licensing_protocol.errors import MalformedDocument, OversizedDocument
from licensing_protocol.fields import Fields

MOST_BYTES: Final = 64 * 1024
_MOST_SIGNATURES: Final = 64


@dataclass(frozen=True, slots=True)
class PinnedRoot:
    """A root whose signatures nobody looked at yet; ``identity`` is base64url SHA-256 of what is signed in it."""

    document: JsonObject = field(compare=False)
    version: int
    identity: str

    @classmethod
    def parse(cls, value: Any) -> PinnedRoot:
        """Read ``{signatures, signed}``; what it says is understood by :mod:`licensing_protocol.trust.chain`.

        Raises:
            MalformedDocument: ``root.malformed`` for another kind of metadata, or a field code; OversizedDocument.
        """
        fields = Fields(value, "root")
        fields.list_of("signatures", most=_MOST_SIGNATURES)
        part = fields.take("signed")
        fields.end()
        signed = Fields(part, "root.signed")
        if signed.text("_type") != "root":
            raise MalformedDocument("The manifest pins something else than a root.", code="root.malformed")
        if len(encode(value)) > MOST_BYTES:
            raise OversizedDocument(f"Metadata of the root of trust have at most {MOST_BYTES} bytes.")
        return cls(dict(value), signed.integer("version", least=1), identity_of(value))

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return self.document


def identity_of(document: JsonObject) -> str:
    """Return base64url SHA-256 of the canonical form of what is signed in metadata; signatures may be added to it."""
    return to_base64url(digest(encode(Fields(document, "metadata").take("signed"))))
