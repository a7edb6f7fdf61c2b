"""One pagination for all lists: a cursor that stays right while rows are added."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from licensing_protocol import canonical
from licensing_protocol.errors import MalformedDocument
from licensing_server.problem import Unprocessable

Item = TypeVar("Item")
_LARGEST = 200


class Page(BaseModel, Generic[Item]):
    """``next`` is the cursor of the following page, ``null`` on the last."""

    items: list[Item]
    next: str | None


class CursorParameters:
    """The query parameters ``cursor`` and ``limit``."""

    def __init__(
        self,
        cursor: Annotated[str | None, Query(max_length=200, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=_LARGEST)] = 50,
    ) -> None:
        self.limit = limit
        self.after: str | int | None = None if cursor is None else _decode(cursor)


Cursor = Annotated[CursorParameters, Depends()]


def page_of(
    session: Session,
    rows: Select[Item],
    by: InstrumentedAttribute[int] | InstrumentedAttribute[str],
    cursor: CursorParameters,
) -> tuple[list[Item], str | None]:
    """Return one page of a selection in the order of the unique column ``by``, and the cursor of the next."""
    if cursor.after is not None:
        rows = rows.where(_later(by, cursor.after))
    found = list(session.scalars(rows.order_by(by).limit(cursor.limit + 1)))
    more = len(found) > cursor.limit
    found = found[: cursor.limit]
    return found, _encode(getattr(found[-1], by.key)) if more else None


def _later(by: InstrumentedAttribute[int] | InstrumentedAttribute[str], after: str | int) -> ColumnElement[bool]:
    if not isinstance(after, by.type.python_type):
        raise _refused()
    later: ColumnElement[bool] = by > after
    return later


def _encode(position: str | int) -> str:
    return canonical.to_base64url(canonical.encode(position))


def _decode(cursor: str) -> str | int:
    try:
        position = canonical.decode(canonical.from_base64url(cursor))
    except MalformedDocument as error:
        raise _refused() from error
    if isinstance(position, bool) or not isinstance(position, str | int):
        raise _refused()
    return position


def _refused() -> Unprocessable:
    return Unprocessable("page.cursor", "This cursor is not one that this list gave; begin again without it.")
