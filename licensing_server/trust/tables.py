"""Published roots."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant, Json


class PublishedRoot(Base):
    """One version of the root, as products pin it."""

    __tablename__ = "published_root"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    published_at: Mapped[int] = mapped_column(Instant)
