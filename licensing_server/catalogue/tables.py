"""Products, releases, provisos, and the capabilities that vendors add."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant, Json


class Product(Base):
    """A product; ``vendor_key`` (a JWK) signs its manifests."""

    __tablename__ = "product"

    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    vendor_key: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[int] = mapped_column(Instant)


class Release(Base):
    """One release, by the identity of its signed manifest."""

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("product", "release"),)

    manifest: Mapped[str] = mapped_column(String(64), primary_key=True)
    product: Mapped[str] = mapped_column(ForeignKey("product.id"))
    release: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    registered_at: Mapped[int] = mapped_column(Instant)


class Proviso(Base):
    """A set of limits with a name, to be used in many grants."""

    __tablename__ = "proviso"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    description: Mapped[str] = mapped_column(Text)
    limits: Mapped[dict[str, Any]] = mapped_column(Json)
    zones: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[int] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(default=1)


class VendorCapability(Base):
    """A capability that a vendor added to the shared first edition."""

    __tablename__ = "vendor_capability"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    family: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text)
    misuse: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(Instant)
