"""The catalogue on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from licensing_server.web import Body, Reply

ProductId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,99}$")]
CapabilityId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(\.[A-Za-z0-9_]+)+$", max_length=100)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class NewProduct(Body):
    """A product to add; ``vendor_key`` is a public JWK."""

    id: ProductId
    name: Annotated[str, Field(min_length=1, max_length=200)]
    vendor_key: dict[str, Any]


class ProductReply(Reply):
    """A product."""

    id: str
    name: str
    vendor_key: dict[str, Any]
    created_at: int


class NewRelease(Body):
    """A vendor-signed manifest (compact JWS)."""

    manifest: Annotated[str, Field(min_length=1, max_length=65_536)]


class ReleaseReply(Reply):
    """A release; ``manifest`` is the identity of its manifest."""

    manifest: str
    product: str
    release: str
    registered_at: int


class NewProviso(Body):
    """A reusable limit set, in the shapes of the protocol."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=2000)] = ""
    limits: dict[str, Any]
    zones: dict[str, Any] = Field(default_factory=dict)


class ProvisoReply(Reply):
    """A proviso."""

    id: str
    name: str
    description: str
    limits: dict[str, Any]
    zones: dict[str, Any]
    created_at: int
    version: int


class NewCapability(Body):
    """A vendor's own capability."""

    id: CapabilityId
    family: Annotated[str, Field(min_length=1, max_length=100)]
    description: Text
    misuse: Text


class CapabilityReply(Reply):
    """A capability: what it is, why it is sensitive, and what the catalogue suggests."""

    id: str
    family: str
    description: str
    misuse: str
    suggested_limits: list[str]
    red_flags: list[str]
    control_labels: str
    confidence: str


class RegionReply(Reply):
    """A region whose border can be cut into an entitlement."""

    code: str
    name: str
    level: str


class ZoneReply(Reply):
    """The zone that a region becomes, and how many positions it spends."""

    zone: dict[str, Any]
    positions: int
