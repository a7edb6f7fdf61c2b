"""Plans, signed entitlements, the indices of their grants, and what orders forbid."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant, Json


class DevicePlan(Base):
    """What staff approved for a device. A revision that is not signed yet is signed when the device next asks."""

    __tablename__ = "device_plan"

    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    plan: Mapped[dict[str, Any]] = mapped_column(Json)
    revision: Mapped[int]
    signed_revision: Mapped[int]
    approved_by: Mapped[str] = mapped_column(String(64))
    approved_at: Mapped[int] = mapped_column(Instant)


class SignedEntitlement(Base):
    """One version for one device, whole; none is ever deleted."""

    __tablename__ = "entitlement"
    __table_args__ = (UniqueConstraint("device", "version"),)

    jti: Mapped[str] = mapped_column(String(64), primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("device.id"))
    version: Mapped[int] = mapped_column(Instant)
    identity: Mapped[str] = mapped_column(String(64))
    manifest: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[int] = mapped_column(Instant)
    expires: Mapped[int] = mapped_column(Instant)


class GrantedIndex(Base):
    """Where the status of one grant of one entitlement stands."""

    __tablename__ = "granted_index"
    __table_args__ = (Index("ix_granted_index_device", "device", "capability", "expires"),)

    uri: Mapped[str] = mapped_column(String(2048), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    entitlement: Mapped[str] = mapped_column(ForeignKey("entitlement.jti"))
    device: Mapped[str] = mapped_column(ForeignKey("device.id"))
    capability: Mapped[str] = mapped_column(String(100))
    expires: Mapped[int] = mapped_column(Instant)


class Restriction(Base):
    """What an order in force forbids for one capability of one device (``*`` for all of them)."""

    __tablename__ = "restriction"
    __table_args__ = (Index("ix_restriction_device", "device", "lifted_at"),)

    order: Mapped[str] = mapped_column(String(40), primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    capability: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    since: Mapped[int] = mapped_column(Instant)
    lifted_at: Mapped[int | None] = mapped_column(Instant)
