"""Published metadata of the root of trust."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from licensing_server.database import Base, Instant, Json


class PublishedRoot(Base):
    """One version of the root, as the holders of its keys signed it."""

    __tablename__ = "published_root"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    published_at: Mapped[int] = mapped_column(Instant)


class PublishedTargets(Base):
    """One version of the Targets: which keys may sign documents."""

    __tablename__ = "published_targets"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    published_at: Mapped[int] = mapped_column(Instant)
