"""Measurements of software and settings: RFC 10013 measured components, and one digest for a tree of files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_from_bytes

from licensing_protocol.canonical import JsonObject, decode_object, encode, to_base64url
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields
from licensing_protocol.log.merkle import leaf_hash, root_hash

# CoAP Content-Format of application/measured-component+json (RFC 10013).
CONTENT_FORMAT: Final = 296
_ALGORITHM: Final = "sha-256"
_MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Measurement:
    """The SHA-256 of one component of the product's manifest."""

    name: str
    digest: bytes

    @classmethod
    def parse(cls, value: Any) -> Measurement:
        """Read one member of EAT's ``measurements``: ``[296, "<JSON text>"]``."""
        content_format, component = Fields({"pair": value}, "measurement").list_of("pair", least=2, most=2)
        wrapper = Fields({"format": content_format, "component": component}, "measurement")
        if wrapper.integer("format") != CONTENT_FORMAT:
            raise MalformedDocument("Only measured components in JSON are taken.", code="measurement.format")
        fields = Fields(decode_object(wrapper.text("component").encode("utf-8")), "measured-component")
        (name,) = fields.texts("id", least=1, most=1, longest=_MAX_NAME)
        algorithm, value_text = fields.list_of("digested-measurement", least=2, most=2)
        if algorithm != _ALGORITHM:
            raise MalformedDocument("Components are measured with SHA-256.", code="measurement.algorithm")
        return cls(name, Fields({"value": value_text}, "measured-component").octets("value"))

    def to_claims(self) -> list[Any]:
        """Return what :meth:`parse` reads."""
        component: JsonObject = {
            "id": [self.name],
            "digested-measurement": [_ALGORITHM, to_base64url(self.digest)],
        }
        return [CONTENT_FORMAT, encode(component).decode("utf-8")]


@dataclass(frozen=True, slots=True)
class TreeLeaf:
    """One file (``kind`` ``f``) or symbolic link (``l``, digest of its target) of a measured tree.

    ``path`` is relative, as raw bytes with ``/`` between parts; ``mode`` the permission bits.
    """

    path: bytes
    kind: str
    mode: int
    digest: bytes

    @property
    def encoded_path(self) -> str:
        """The path with every byte outside RFC 3986's unreserved set, and outside ``/``, percent-encoded."""
        return quote_from_bytes(self.path, safe="/")

    def to_bytes(self) -> bytes:
        """Return JCS([path, kind, mode, digest]) (protocol §6)."""
        return encode([self.encoded_path, self.kind, f"{self.mode:04o}", to_base64url(self.digest)])


def tree_digest(leaves: Iterable[TreeLeaf]) -> bytes:
    """Return the RFC 6962 root over the leaves, sorted by their path's bytes."""
    return root_hash([leaf_hash(leaf.to_bytes()) for leaf in sorted(leaves, key=lambda leaf: leaf.path)])
