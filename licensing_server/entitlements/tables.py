"""Plans, signed entitlements, the indices of their grants, what orders forbid and whom they reach."""

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


class PlannedGrant(Base):
    """One grant of a device's plan, for orders that ask by capability; seconds of freshness as in the plan."""

    __tablename__ = "plan_grant"
    __table_args__ = (Index("ix_plan_grant_capability", "capability"),)

    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    capability: Mapped[str] = mapped_column(String(100), primary_key=True)
    max_offline: Mapped[int] = mapped_column(Instant)
    max_silent: Mapped[int] = mapped_column(Instant)


class PlannedProviso(Base):
    """One proviso that a grant of a device's plan was made with."""

    __tablename__ = "plan_proviso"
    __table_args__ = (Index("ix_plan_proviso_proviso", "proviso"),)

    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    capability: Mapped[str] = mapped_column(String(100), primary_key=True)
    proviso: Mapped[str] = mapped_column(ForeignKey("proviso.id"), primary_key=True)


class SignedEntitlement(Base):
    """One version for one device, whole; none is ever deleted. ``entry`` is its log entry's number in the queue."""

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
    entry: Mapped[int] = mapped_column(Instant, server_default="0")


class QuotaAnchor(Base):
    """Where the windows of one quota of a device begin, in seconds; none is ever changed or deleted."""

    __tablename__ = "quota_anchor"

    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    quota: Mapped[str] = mapped_column(String(100), primary_key=True)
    anchor: Mapped[int] = mapped_column(Instant)


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
    """What one order forbids or limits from ``since`` until ``lifted_at``, one row whatever its scope is.

    ``wide`` is false where the scope names one device, and no proviso: then nothing else can come under it later.
    """

    __tablename__ = "restriction"
    __table_args__ = (Index("ix_restriction_wide", "wide", "lifted_at"),)

    order: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    scope: Mapped[dict[str, Any]] = mapped_column(Json)
    wide: Mapped[bool]
    terms: Mapped[dict[str, Any] | None] = mapped_column(Json)
    since: Mapped[int] = mapped_column(Instant)
    lifted_at: Mapped[int | None] = mapped_column(Instant)


class OrderTarget(Base):
    """One capability (``*`` for all) of one device that an order reaches.

    ``known_at`` is when the device's own evidence showed that it knows. There may be a million rows to one order, so
    no foreign key is looked up for each.
    """

    __tablename__ = "order_target"
    __table_args__ = (Index("ix_order_target_device", "device", "known_at"), {"sqlite_with_rowid": False})

    order: Mapped[str] = mapped_column(String(40), primary_key=True)
    device: Mapped[str] = mapped_column(String(64), primary_key=True)
    capability: Mapped[str] = mapped_column(String(100), primary_key=True)
    known_at: Mapped[int | None] = mapped_column(Instant)
