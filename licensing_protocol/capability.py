"""Names of capabilities: what a product can do that an exporter may want to strip or limit."""

from __future__ import annotations

import re
from typing import Any

from licensing_protocol.errors import MalformedDocument

_ID = re.compile(r"[a-z][a-z0-9]*(\.[A-Za-z0-9_]+)+")
MAX_ID = 100


def parse_id(value: Any, where: str) -> str:
    """Return a capability id such as ``face.identify_1toN``: a family, then one or more parts after dots.

    Raises:
        MalformedDocument: ``capability.id``.
    """
    if isinstance(value, str) and len(value) <= MAX_ID and _ID.fullmatch(value):
        return value
    raise MalformedDocument(f"{where} must be a capability id such as face.verify_1to1.", code="capability.id")


def parse_ids(values: list[Any], where: str) -> tuple[str, ...]:
    """Return distinct capability ids in their order; a repeated one is ``capability.id`` too."""
    ids = tuple(parse_id(value, where) for value in values)
    if len(set(ids)) != len(ids):
        raise MalformedDocument(f"{where} names a capability twice.", code="capability.id")
    return ids
