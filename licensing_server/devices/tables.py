"""Devices, their tags, and the tokens by which they become known."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from licensing_server.database import Base, Instant, Json


class Device(Base):
    """A device by its id (EAT ``ueid``). ``manifest`` is the identity of the release that it last showed."""

    __tablename__ = "device"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[dict[str, Any]] = mapped_column(Json)
    key_thumbprint: Mapped[str] = mapped_column(String(64), unique=True)
    product: Mapped[str] = mapped_column(ForeignKey("product.id"), index=True)
    end_user: Mapped[str] = mapped_column(ForeignKey("party.id"), index=True)
    authorisation: Mapped[str] = mapped_column(String(200))
    manifest: Mapped[str] = mapped_column(ForeignKey("release.manifest"))
    enrolled_at: Mapped[int] = mapped_column(Instant)
    last_seen: Mapped[int] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(default=1)
    tags: Mapped[list[DeviceTag]] = relationship(lazy="selectin", cascade="all, delete-orphan")


class DeviceTag(Base):
    """A word that staff put on a device."""

    __tablename__ = "device_tag"

    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(60), primary_key=True, index=True)


class EnrolmentToken(Base):
    """A one-time token that carries the grant plan which staff approved; only its hash is kept."""

    __tablename__ = "enrolment_token"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    product: Mapped[str] = mapped_column(ForeignKey("product.id"))
    end_user: Mapped[str] = mapped_column(ForeignKey("party.id"))
    authorisation: Mapped[str] = mapped_column(String(200))
    plan: Mapped[dict[str, Any]] = mapped_column(Json)
    created_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[int] = mapped_column(Instant)
    expires_at: Mapped[int] = mapped_column(Instant)
    revoked_at: Mapped[int | None] = mapped_column(Instant)
    redeemed_at: Mapped[int | None] = mapped_column(Instant)
    device: Mapped[str | None] = mapped_column(String(64))
    enrolment: Mapped[str | None] = mapped_column(String(64))
