"""People, roles, tokens."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from licensing_server.database import Base, Instant


class Person(Base):
    """A member of staff. The name never leaves this table: the log knows only the id.

    ``created_by`` is absent for the first administrator.
    """

    __tablename__ = "person"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[int] = mapped_column(Instant)
    created_by: Mapped[str | None] = mapped_column(String(40))
    disabled_at: Mapped[int | None] = mapped_column(Instant)
    version: Mapped[int] = mapped_column(default=1)
    roles: Mapped[list[PersonRole]] = relationship(lazy="selectin", cascade="all, delete-orphan")


class PersonRole(Base):
    """One role of one person, since when they have it, and from whom."""

    __tablename__ = "person_role"

    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    given_at: Mapped[int] = mapped_column(Instant)
    given_by: Mapped[str | None] = mapped_column(String(40))


class ApiToken(Base):
    """A token of a person; only the hash of its secret is kept.

    ``vouched_by`` made the first of the tokens that this one came from by rotation, at ``vouched_at``.
    """

    __tablename__ = "api_token"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    label: Mapped[str] = mapped_column(String(100))
    secret_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(Instant)
    expires_at: Mapped[int] = mapped_column(Instant)
    revoked_at: Mapped[int | None] = mapped_column(Instant)
    vouched_by: Mapped[str | None] = mapped_column(String(40))
    vouched_at: Mapped[int] = mapped_column(Instant)
