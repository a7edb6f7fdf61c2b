"""The declarative base: every constraint is named, instants are integers, JSON keeps its exact canonical text."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import BigInteger, Dialect, MetaData, Table, Text
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from licensing_protocol import canonical

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Instant = BigInteger
"""Whole seconds since the epoch."""


class Json(TypeDecorator[Any]):
    """A JSON value, stored as its canonical text on every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write canonical JSON."""
        return None if value is None else canonical.encode(value).decode("utf-8")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read it strictly."""
        return None if value is None else canonical.decode(value.encode("utf-8"))


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMES)


def table_of(model: type[Base]) -> Table:
    """Return the table of a model, for statements that are written once and load no objects."""
    return cast("Table", model.__table__)
