"""Lists the server's settings from the one class that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from licensing_server.config import Settings

_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def rows() -> Iterator[tuple[str, str, str]]:
    """Return each setting: its environment variable, its default, and what it means."""
    for name, found in Settings.model_fields.items():
        yield f"INTERLOCK_{name.upper()}", _default(found.default), _meaning(found)


def to_markdown() -> str:
    """Return the settings as a table."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {default} | {meaning} |" for name, default, meaning in rows())])


def _default(value: Any) -> str:
    if value is None or value is PydanticUndefined:
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(found: FieldInfo) -> str:
    bounds = [
        f"{word} {getattr(constraint, name)}"
        for constraint in found.metadata
        for name, word in _BOUNDS.items()
        if hasattr(constraint, name)
    ]
    return (found.description or "") + (f" ({', '.join(bounds)})" if bounds else "")
