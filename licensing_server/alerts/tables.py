"""Cases, and how far the log was read."""

from __future__ import annotations

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant


class Case(Base):
    """One matter about one subject; while it is open, more of the same only raises ``count``."""

    __tablename__ = "alert_case"
    __table_args__ = (Index("ix_alert_case_subject", "subject", "kind", "state"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12), index=True)
    count: Mapped[int]
    opened_at: Mapped[int] = mapped_column(Instant)
    last_at: Mapped[int] = mapped_column(Instant)
    log_index: Mapped[int] = mapped_column(Instant)
    acknowledged_by: Mapped[str | None] = mapped_column(String(64))
    closed_by: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)


class LogCursor(Base):
    """The log index up to which a reader has read."""

    __tablename__ = "log_cursor"

    reader: Mapped[str] = mapped_column(String(40), primary_key=True)
    next_index: Mapped[int] = mapped_column(Instant)
