"""The log as files that never change, and the one that does (c2sp.org/tlog-tiles)."""

from __future__ import annotations

import gzip
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.orm import Session

from licensing_protocol.errors import MalformedDocument
from licensing_protocol.log.tiles import Tile
from licensing_server.audit_log.checkpoints import newest_row, shown
from licensing_server.audit_log.tree import tile
from licensing_server.problem import NotFound, Unavailable
from licensing_server.web import Access, Role, requires, takes_gzip

router = APIRouter(prefix="/log", tags=["log"])
Reader = Annotated[Access, requires(Role.AUDITOR, Role.COMPLIANCE, Role.ADMINISTRATOR, unless="log_public")]
_YEAR_S = 31_536_000
_LEVEL = 6
_BYTES: dict[int | str, Any] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/checkpoint", response_class=Response)
def read_checkpoint(access: Reader) -> Response:
    """Read the newest checkpoint that its witnesses have seen, with the cosignatures that it has by now.

    Where they are away for a minute, and where none is asked, it is the newest of all.
    """
    with access.read() as act:
        note = shown(act.session, act.now)
    if note is None:
        sentence = (
            "The log has no checkpoint to show now: it has just begun, its witnesses have yet to see one, or it waits "
            "for people to accept a restore."
        )
        raise Unavailable("log.no_checkpoint", sentence, retry_after=5)
    return Response(note.to_bytes(), headers={"Cache-Control": "no-cache"}, media_type="text/plain; charset=utf-8")


@router.get("/tile/{path:path}", response_class=Response, responses=_BYTES)
def read_tile(access: Reader, request: Request, path: Annotated[str, Path(max_length=100)]) -> Response:
    """Read a tile of hashes (`<level>/<index>`) or of entries (`entries/<index>`), whole or in part (`.p/<width>`)."""
    with access.read() as act:
        wanted = _tile(act.session, path)
        content = tile(act.session, wanted)
    scope = "public" if access.is_open else "private"
    headers = {"Cache-Control": f"{scope}, max-age={_YEAR_S}, immutable"}
    if wanted.level is None:
        headers["Vary"] = "Accept-Encoding"
        if takes_gzip(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
            content = gzip.compress(content, _LEVEL, mtime=0)
    return Response(content, headers=headers, media_type="application/octet-stream")


def _tile(session: Session, path: str) -> Tile:
    """Return the tile of a path, if the newest checkpoint covers all of it: only what is signed for is shown."""
    signed = newest_row(session)
    try:
        wanted = Tile.parse(f"tile/{path}")
    except MalformedDocument as error:
        raise _unknown() from error
    if signed is None or not wanted.is_of(signed.size):
        raise _unknown()
    return wanted


def _unknown() -> NotFound:
    return NotFound("tile.unknown", "The log has no such tile; read its checkpoint, and ask for tiles of that size.")
