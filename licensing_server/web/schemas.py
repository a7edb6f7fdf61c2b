"""Bodies are strict: an unknown member is an error, so that a misspelt limit is never silently no limit."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,100}$")]
"""An id in a path or body."""


class Body(BaseModel):
    """Base of everything that is sent in."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Reply(BaseModel):
    """Base of everything that is answered; read from the attributes of table rows."""

    model_config = ConfigDict(from_attributes=True)
