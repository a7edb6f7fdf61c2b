"""Ratchets, evidence, the events and components in it, and proofs of forks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant, Json


class Ratchet(Base):
    """A value that one evidence may name as its parent; ``answer`` is what that evidence got. None is deleted."""

    __tablename__ = "ratchet"

    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    ratchet: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    nonce: Mapped[bytes] = mapped_column(LargeBinary(32))
    issued_at: Mapped[int] = mapped_column(Instant)
    used_by: Mapped[str | None] = mapped_column(String(64))
    answer: Mapped[str | None] = mapped_column(Text)


Index(
    "ix_ratchet_unused",
    Ratchet.device,
    sqlite_where=Ratchet.used_by.is_(None),
    postgresql_where=Ratchet.used_by.is_(None),
)


class JournalState(Base):
    """How far a device's journal is known."""

    __tablename__ = "journal_state"

    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    head: Mapped[bytes] = mapped_column(LargeBinary(32))
    last: Mapped[int] = mapped_column(Instant)


class StoredEvidence(Base):
    """One accepted evidence, whole."""

    __tablename__ = "evidence"
    __table_args__ = (Index("ix_evidence_device", "device", "received_at"),)

    identity: Mapped[str] = mapped_column(String(64), primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("device.id"))
    received_at: Mapped[int] = mapped_column(Instant)
    first: Mapped[int] = mapped_column(Instant)
    last: Mapped[int] = mapped_column(Instant)
    text: Mapped[str] = mapped_column(Text)
    appraisal: Mapped[dict[str, Any]] = mapped_column(Json)


class StoredEvent(Base):
    """One event of a device's journal."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_device_time", "device", "type", "lower"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    evidence: Mapped[str] = mapped_column(ForeignKey("evidence.identity"), index=True)
    sequence: Mapped[int] = mapped_column(Instant)
    device: Mapped[str] = mapped_column(ForeignKey("device.id"))
    type: Mapped[str] = mapped_column(String(64))
    lower: Mapped[int] = mapped_column(Instant)
    upper: Mapped[int | None] = mapped_column(Instant)
    data: Mapped[dict[str, Any]] = mapped_column(Json)


class Component(Base):
    """The newest digest of one measured component of a device, and since when it is that."""

    __tablename__ = "component"

    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    since: Mapped[int] = mapped_column(Instant)


class ForkProof(Base):
    """A second evidence for a used parent, whole: with the first, portable proof of a clone or a restored snapshot."""

    __tablename__ = "fork_proof"

    identity: Mapped[str] = mapped_column(String(64), primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("device.id"), index=True)
    first: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    refusal: Mapped[str] = mapped_column(Text)
    received_at: Mapped[int] = mapped_column(Instant)
