"""Orders, and the appeals against them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.audit_log.tables import Number
from licensing_server.database import Base, Instant, Json


class Order(Base):
    """One order. What it says never changes; the columns from ``state`` on tell what became of it.

    ``devices`` and ``grants`` are its reach when it was placed, ``targeted`` the devices that it reached when it took
    force. ``entry`` is the queue number of the log entry with which it took force. An order that waits for the log's
    witnesses does so until they have seen ``witness_entry``, and at most until ``witness_until``.
    """

    __tablename__ = "order"
    __table_args__ = (Index("ix_order_state", "state", "kind"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    scope: Mapped[dict[str, Any]] = mapped_column(Json)
    terms: Mapped[dict[str, Any] | None] = mapped_column(Json)
    reason_code: Mapped[str] = mapped_column(String(40))
    reason_text: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(64))
    placed_at: Mapped[int] = mapped_column(Instant)
    effective_at: Mapped[int] = mapped_column(Instant)
    emergency: Mapped[bool]
    undoes: Mapped[str | None] = mapped_column(ForeignKey("order.id"))
    devices: Mapped[int]
    grants: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    confirm_by: Mapped[int | None] = mapped_column(Instant)
    lapses_at: Mapped[int | None] = mapped_column(Instant, index=True)
    confirmed_by: Mapped[str | None] = mapped_column(String(64))
    in_force_at: Mapped[int | None] = mapped_column(Instant)
    entry: Mapped[int | None] = mapped_column(ForeignKey("log_entry.id"))
    witness_entry: Mapped[int | None] = mapped_column(Number)
    witness_until: Mapped[int | None] = mapped_column(Instant)
    targeted: Mapped[int]
    undone_by: Mapped[str | None] = mapped_column(String(40))


class Appeal(Base):
    """An operator's objection to an order, written down by staff; the answer is another person's than the order."""

    __tablename__ = "appeal"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    order: Mapped[str] = mapped_column(ForeignKey("order.id"), index=True)
    device: Mapped[str | None] = mapped_column(ForeignKey("device.id"))
    text: Mapped[str] = mapped_column(Text)
    recorded_by: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[int] = mapped_column(Instant)
    outcome: Mapped[str | None] = mapped_column(String(12))
    answer: Mapped[str | None] = mapped_column(Text)
    answered_by: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[int | None] = mapped_column(Instant)
