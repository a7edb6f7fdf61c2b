"""One pagination for all lists: a cursor that stays right while rows are added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, literal, tuple_
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
        cursor: Annotated[str | None, Query(max_length=400, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=_LARGEST)] = 50,
    ) -> None:
        self.limit = limit
        self.after: list[Any] | None = None if cursor is None else _decode(cursor)


Cursor = Annotated[CursorParameters, Depends()]


def page_of(
    session: Session,
    rows: Select[Item],
    by: Sequence[InstrumentedAttribute[Any]],
    cursor: CursorParameters,
) -> tuple[list[Item], str | None]:
    """Return one page of a selection in the order of the columns ``by``, and the cursor of the next.

    The last of ``by`` is unique; the ones before it are there so that people read a list in its order of time.
    """
    if cursor.after is not None:
        rows = rows.where(_later(by, cursor.after))
    found = list(session.scalars(rows.order_by(*by).limit(cursor.limit + 1)))
    more = len(found) > cursor.limit
    found = found[: cursor.limit]
    return found, _encode([getattr(found[-1], column.key) for column in by]) if more else None


def _later(by: Sequence[InstrumentedAttribute[Any]], after: list[Any]) -> ColumnElement[bool]:
    wanted = [column.type.python_type for column in by]
    if [type(value) for value in after] != wanted or "\0" in "".join(map(str, after)):
        raise _refused()
    values = (literal(value, column.type) for value, column in zip(after, by, strict=True))
    later: ColumnElement[bool] = tuple_(*by) > tuple_(*values)
    return later


def _encode(position: list[Any]) -> str:
    return canonical.to_base64url(canonical.encode(position))


def _decode(cursor: str) -> list[Any]:
    try:
        position = canonical.decode(canonical.from_base64url(cursor))
    except MalformedDocument as error:
        raise _refused() from error
    if not isinstance(position, list):
        raise _refused()
    return position


def _refused() -> Unprocessable:
    return Unprocessable("page.cursor", "This cursor is not one that this list gave; begin again without it.")
