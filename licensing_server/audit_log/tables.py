"""Entries, and beside them the sensitive values that entries only commit to."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant


class LogEntry(Base):
    """``body`` holds the exact bytes that are hashed; the other columns repeat parts of it for queries."""

    __tablename__ = "log_entry"
    __table_args__ = (Index("ix_log_entry_subject", "subject", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    position: Mapped[int | None] = mapped_column(unique=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    type: Mapped[str] = mapped_column(String(64), index=True)
    time: Mapped[int] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(100))


class CommittedValue(Base):
    """A value that an entry commits to; value and salt can be erased without breaking any proof."""

    __tablename__ = "committed_value"

    entry: Mapped[int] = mapped_column(ForeignKey("log_entry.id"), primary_key=True)
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    value: Mapped[str | None] = mapped_column(Text)
