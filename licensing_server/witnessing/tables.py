"""What is known of the witnesses that are asked, and which checkpoints enough of them have cosigned."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.audit_log.tables import Number
from licensing_server.database import Base, Instant


class LogWitness(Base):
    """How one witness (``key`` is its verifier key) stands to the log under one name.

    ``size`` is what it has seen as far as is known here; ``told`` is for people; ``tries`` counts failures in a row;
    ``due_at`` is when it may be asked again, ``since`` when the ``state`` began.
    """

    __tablename__ = "log_witness"

    origin: Mapped[str] = mapped_column(String(300), primary_key=True)
    key: Mapped[str] = mapped_column(String(400), primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(12))
    told: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(Number)
    tries: Mapped[int]
    since: Mapped[int] = mapped_column(Instant)
    due_at: Mapped[int] = mapped_column(Instant)
    cosigned_at: Mapped[int | None] = mapped_column(Instant)


class LogQuorum(Base):
    """A checkpoint that the quorum of witnesses has cosigned, and since when."""

    __tablename__ = "log_quorum"

    size: Mapped[int] = mapped_column(ForeignKey("log_checkpoint.size"), primary_key=True)
    origin: Mapped[str] = mapped_column(String(300))
    time: Mapped[int] = mapped_column(Instant)
