"""Parties."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant


class Party(Base):
    """An end-user, consignee or intermediary. The id is opaque, so that documents and log name nobody."""

    __tablename__ = "party"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(2), index=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[int] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(default=1)
