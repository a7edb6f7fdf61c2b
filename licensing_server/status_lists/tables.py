"""Shards, and which signed list first carried which order's change."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant


class Shard(Base):
    """One shard: its bits, and its newest signed list. ``next_index`` is never lowered: an index serves once.

    ``needed_until`` is the latest end of an entitlement that refers to it; once that is past it is ``retired_at`` some
    time, has neither bits nor list any more, and nothing will refer to it again.
    """

    __tablename__ = "shard"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(String(2048), unique=True)
    next_index: Mapped[int]
    needed_until: Mapped[int] = mapped_column(Instant)
    bits: Mapped[bytes] = mapped_column(LargeBinary)
    sequence: Mapped[int] = mapped_column(Instant)
    signed_at: Mapped[int] = mapped_column(Instant)
    text: Mapped[str] = mapped_column(Text)
    identity: Mapped[str] = mapped_column(String(64))
    retired_at: Mapped[int | None] = mapped_column(Instant)


class StatusChange(Base):
    """A change of bits by one log entry; ``sequence`` is that of the first signed list that carries it."""

    __tablename__ = "status_change"
    __table_args__ = (Index("ix_status_change_shard", "shard", "sequence"),)

    entry: Mapped[int] = mapped_column(ForeignKey("log_entry.id"), primary_key=True)
    shard: Mapped[int] = mapped_column(ForeignKey("shard.id"), primary_key=True)
    sequence: Mapped[int | None] = mapped_column(Instant)
