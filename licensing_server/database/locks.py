"""Locks by name until the end of a transaction: one alone, or many beside each other.

On SQLite a writing transaction is alone in any case, so these do nothing there.
"""

from __future__ import annotations

import zlib

from sqlalchemy import func, select
from sqlalchemy.orm import Session

_CLASS = 1230262349
_HALF = 2**31


def lock_alone(session: Session, name: str) -> None:
    """Wait until no other transaction holds ``name`` in any way."""
    if _is_shared(session):
        session.execute(select(func.pg_advisory_xact_lock(_CLASS, _key(name))))


def lock_beside(session: Session, name: str) -> None:
    """Wait until no other transaction holds ``name`` alone; others may hold it beside this one."""
    if _is_shared(session):
        session.execute(select(func.pg_advisory_xact_lock_shared(_CLASS, _key(name))))


def _is_shared(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _key(name: str) -> int:
    return zlib.crc32(name.encode("ascii")) - _HALF
