"""Orders and what they aim at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant, Json


class Order(Base):
    """One order. What it says never changes; the last four columns tell what became of it."""

    __tablename__ = "order"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    scope: Mapped[dict[str, Any]] = mapped_column(Json)
    reason_code: Mapped[str] = mapped_column(String(40))
    reason_text: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(64))
    placed_at: Mapped[int] = mapped_column(Instant)
    undoes: Mapped[str | None] = mapped_column(ForeignKey("order.id"))
    entry: Mapped[int] = mapped_column(ForeignKey("log_entry.id"))
    targeted: Mapped[int]
    lapses_at: Mapped[int | None] = mapped_column(Instant, index=True)
    confirmed_by: Mapped[str | None] = mapped_column(String(64))
    undone_by: Mapped[str | None] = mapped_column(String(40))


class OrderTarget(Base):
    """One capability (``*`` for all) of one device that an order aims at, until the device shows that it knows."""

    __tablename__ = "order_target"
    __table_args__ = (Index("ix_order_target_device", "device", "confirmed_at"),)

    order: Mapped[str] = mapped_column(ForeignKey("order.id"), primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    capability: Mapped[str] = mapped_column(String(100), primary_key=True)
    confirmed_at: Mapped[int | None] = mapped_column(Instant)
