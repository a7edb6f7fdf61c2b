"""The product manifest: what a vendor says its product can do, whom it obeys and what it measures (protocol §2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from licensing_protocol import token
from licensing_protocol.canonical import JsonObject
from licensing_protocol.capability import parse_ids
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields
from licensing_protocol.keys import KeySet, Signer, VerificationKey
from licensing_protocol.token import TokenType
from licensing_protocol.trust import PinnedRoot

MAX_NAME = 200
_MAX_CAPABILITIES = 1000
_MAX_SERVERS = 16
_MAX_COMPONENTS = 100
# No query, fragment or user, and nothing that urlsplit would silently drop.
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/%\[\]+-]+")


class ComponentKind(StrEnum):
    """How a component is measured."""

    FILE = "file"
    TREE = "tree"
    SETTING = "setting"


@dataclass(frozen=True, slots=True)
class Component:
    """One thing to measure: a file or a tree below the product's folder (``path``), or a named setting."""

    name: str
    kind: ComponentKind
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A verified product manifest. ``identity`` stands in evidence and entitlement; ``issuer`` is the only one obeyed.

    ``safety`` names functions that are never gated, whatever an entitlement or a status list says.
    """

    issuer: str
    product: str
    release: str
    capabilities: frozenset[str]
    safety: frozenset[str]
    root: PinnedRoot
    servers: tuple[str, ...]
    measure: tuple[Component, ...]
    identity: str = ""

    @classmethod
    def parse(cls, claims: Any, identity: str) -> Manifest:
        """Read the claims of a manifest.

        Raises:
            MalformedDocument: ``manifest.safety`` if a safety function is also a gated capability, ``manifest.server``
                for an address that is not http(s) or repeated, ``manifest.component`` for a bad or repeated component.
        """
        fields = Fields(claims, "manifest")
        manifest = cls(
            issuer=fields.text("iss", longest=MAX_NAME),
            product=fields.text("product", longest=MAX_NAME),
            release=fields.text("release", longest=MAX_NAME),
            capabilities=frozenset(
                parse_ids(fields.list_of("capabilities", most=_MAX_CAPABILITIES), "manifest.capabilities")
            ),
            safety=frozenset(parse_ids(fields.list_of("safety", most=_MAX_CAPABILITIES), "manifest.safety")),
            root=PinnedRoot.parse(fields.take("root")),
            servers=_servers(fields.texts("servers", most=_MAX_SERVERS)),
            measure=_components(fields.list_of("measure", most=_MAX_COMPONENTS)),
            identity=identity,
        )
        fields.end()
        if manifest.safety & manifest.capabilities:
            raise MalformedDocument("A safety function cannot also be gated.", code="manifest.safety")
        return manifest

    def to_claims(self) -> JsonObject:
        """Return the claims that :meth:`parse` reads."""
        return {
            "iss": self.issuer,
            "product": self.product,
            "release": self.release,
            "capabilities": sorted(self.capabilities),
            "safety": sorted(self.safety),
            "root": self.root.to_json(),
            "servers": list(self.servers),
            "measure": [_component_claims(component) for component in self.measure],
        }

    def sign(self, vendor: Signer) -> str:
        """Return the manifest as a compact JWS by the vendor's key.

        Raises:
            MalformedDocument, TrustError: what is composed here would be refused by a device.
        """
        # Only who signs a manifest needs the TUF library for it.
        from licensing_protocol.trust.chain import VerifiedRoot

        VerifiedRoot.pinned(self.root.document)
        claims = self.to_claims()
        Manifest.parse(claims, "")
        return token.sign(claims, TokenType.PRODUCT, vendor)


def verify(text: str, vendor: VerificationKey) -> Manifest:
    """Verify a manifest under the vendor key that the product itself names, and read it."""
    verified = token.verify(text, TokenType.PRODUCT, KeySet(vendor))
    return Manifest.parse(verified.claims, verified.identity)


def _servers(addresses: Sequence[str]) -> tuple[str, ...]:
    servers = tuple(address.rstrip("/") for address in addresses)
    for server in servers:
        if not _ADDRESS.fullmatch(server) or not _is_server(server):
            raise MalformedDocument(f"{server!r} is not the http(s) address of a server.", code="manifest.server")
    if len(set(servers)) != len(servers):
        raise MalformedDocument("A server is named twice.", code="manifest.server")
    return servers


def _is_server(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _components(values: list[Any]) -> tuple[Component, ...]:
    components = tuple(map(_component, values))
    if len({component.name for component in components}) != len(components):
        raise MalformedDocument("Two measured components have one name.", code="manifest.component")
    return components


def _component(value: Any) -> Component:
    fields = Fields(value, "manifest.measure")
    name, kind = fields.text("name", longest=MAX_NAME), fields.text("kind")
    if kind not in set(ComponentKind):
        raise MalformedDocument("A component is a file, a tree or a setting.", code="manifest.component")
    path = None if kind == ComponentKind.SETTING else _relative(fields.text("path"))
    fields.end()
    return Component(name, ComponentKind(kind), path)


def _relative(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/") or "\x00" in path:
        raise MalformedDocument("A measured path lies below the product's own folder.", code="manifest.component")
    return path


def _component_claims(component: Component) -> JsonObject:
    claims: JsonObject = {"name": component.name, "kind": str(component.kind)}
    if component.path is not None:
        claims["path"] = component.path
    return claims
