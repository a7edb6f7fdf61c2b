"""Builds a product manifest from a short description; the protocol's own parser reads it before it is signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from licensing_protocol import token
from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.manifest import Manifest
from licensing_server.cli.exits import Misused

_REQUIRED = frozenset({"issuer", "product", "release", "capabilities"})
_OPTIONAL = frozenset({"safety", "servers", "measure"})


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """``text`` is the compact JWS, ``id`` its identity."""

    text: str
    product: str
    release: str
    id: str


def signed_manifest(
    description: JsonObject, *, root: Any, server: str, key: bytes, passphrase: bytes | None
) -> SignedManifest:
    """Return the manifest of a described release, signed by the vendor's key.

    Raises:
        Misused: ``manifest.description`` for members that are missing or unknown, ``vendor_key.unreadable``.
        MalformedDocument: what a device would refuse.
    """
    missing, foreign = _REQUIRED - set(description), set(description) - _REQUIRED - _OPTIONAL
    if missing or foreign:
        told = [f"it lacks {', '.join(sorted(missing))}"] if missing else []
        told += [f"it has no use for {', '.join(sorted(foreign))}"] if foreign else []
        raise Misused("manifest.description", f"The description cannot be used: {' and '.join(told)}.")
    claims = {"safety": [], "servers": [server], "measure": []} | description | {"root": root}
    claims["iss"] = claims.pop("issuer")
    manifest = Manifest.parse(claims, "")
    text = manifest.sign(_signer(key, passphrase))
    return SignedManifest(text, manifest.product, manifest.release, token.identity(text))


def _signer(key: bytes, passphrase: bytes | None) -> SoftwareSigner:
    try:
        return SoftwareSigner.from_pem(key, passphrase)
    except MalformedDocument as error:
        sentence = "The vendor key does not open; look at --key and --passphrase-file."
        raise Misused("vendor_key.unreadable", sentence) from error
