"""Entries, the tree over them, its signed heads; and beside them the values that entries only commit to."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant

Number = BigInteger().with_variant(Integer, "sqlite")
"""Counts without an end in sight; on SQLite every integer has room for them, and only this word counts by itself."""


class LogEntry(Base):
    """``body`` holds the exact bytes that are hashed; the other columns repeat parts of it for queries.

    ``position`` is its index in the log, ``None`` while it waits for one; ``id`` only tells it from others.
    """

    __tablename__ = "log_entry"
    __table_args__ = (
        Index("ix_log_entry_subject", "subject", "position"),
        Index("ix_log_entry_actor", "actor", "position"),
        Index("ix_log_entry_time", "time"),
    )

    id: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    position: Mapped[int | None] = mapped_column(Number, unique=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    type: Mapped[str] = mapped_column(String(64), index=True)
    time: Mapped[int] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(100))


Index(
    "ix_log_entry_queued",
    LogEntry.id,
    sqlite_where=LogEntry.position.is_(None),
    postgresql_where=LogEntry.position.is_(None),
)


class CommittedValue(Base):
    """A value that an entry commits to; value and salt can be erased without breaking any proof."""

    __tablename__ = "committed_value"

    entry: Mapped[int] = mapped_column(ForeignKey("log_entry.id"), primary_key=True)
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    value: Mapped[str | None] = mapped_column(Text)


class LogHash(Base):
    """The hash of a perfect subtree, at the place that :func:`licensing_protocol.log.merkle.stored_at` gives it."""

    __tablename__ = "log_hash"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  # SQLAlchemy's own form

    place: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Log(Base):
    """The tree under one name. ``size`` is how many leaves are integrated: the sequencer swaps it from old to new.

    After a restore the tree goes on under a new ``origin``, because others may have seen an old one that was larger:
    ``first`` is the index of the entry that says so, ``previous`` the newest head that is known of the old one (a note,
    empty where there is none), and nothing is signed before it is ``opened_at``.
    """

    __tablename__ = "log"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    origin: Mapped[str] = mapped_column(String(300), unique=True)
    first: Mapped[int] = mapped_column(Number)
    size: Mapped[int] = mapped_column(Number)
    previous: Mapped[str] = mapped_column(Text)
    begun_at: Mapped[int] = mapped_column(Instant)
    opened_at: Mapped[int | None] = mapped_column(Instant)
    ended_at: Mapped[int | None] = mapped_column(Instant)


class LogCheckpoint(Base):
    """A signed head: the text of a note (origin, size and root), and the log's own signature lines.

    ``unseen_until`` is when it is shown though its witnesses have not seen it; ``None`` where they have, or need not.
    """

    __tablename__ = "log_checkpoint"

    size: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    log: Mapped[int] = mapped_column(ForeignKey("log.number"))
    root: Mapped[bytes] = mapped_column(LargeBinary)
    text: Mapped[str] = mapped_column(Text)
    signatures: Mapped[str] = mapped_column(Text)
    time: Mapped[int] = mapped_column(Instant)
    unseen_until: Mapped[int | None] = mapped_column(Instant)


class LogCosignature(Base):
    """A witness's signature line under a checkpoint; ``name`` is its key's, ``time`` what the line states."""

    __tablename__ = "log_cosignature"

    size: Mapped[int] = mapped_column(ForeignKey("log_checkpoint.size"), primary_key=True)
    name: Mapped[str] = mapped_column(String(300), primary_key=True)
    line: Mapped[str] = mapped_column(Text)
    time: Mapped[int] = mapped_column(Instant)
