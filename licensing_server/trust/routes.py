"""The root of trust, for everybody."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from licensing_server.database import Database
from licensing_server.problem import not_found
from licensing_server.trust.publish import newest_targets
from licensing_server.trust.tables import PublishedRoot
from licensing_server.web import public

router = APIRouter(prefix="/v1/trust", tags=["trust"])


@router.get("/targets.json", dependencies=[public("who may sign what is for everybody")])
def read_targets(request: Request) -> dict[str, Any]:
    """Read the newest Targets: which keys may sign documents."""
    database: Database = request.app.state.database
    with database.read() as session:
        document = newest_targets(session)
        if document is None:
            raise not_found("targets", "newest")
        return document


@router.get("/{version}.root.json", dependencies=[public("a root of trust is for everybody")])
def read_root(request: Request, version: Annotated[int, Path(ge=1, le=2**31)]) -> dict[str, Any]:
    """Read one version of the root of trust."""
    database: Database = request.app.state.database
    with database.read() as session:
        row = session.get(PublishedRoot, version)
        if row is None:
            raise not_found("root", str(version))
        return row.document
