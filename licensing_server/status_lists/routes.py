"""Status lists for devices and anybody between: cacheable, and worth waiting for."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from licensing_server.config import Settings
from licensing_server.status_lists.board import Board, Posted
from licensing_server.web import public, takes_gzip

router = APIRouter(prefix="/v1/status", tags=["status lists"])
MEDIA_TYPE = "application/statuslist+jwt"
_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])")
_LONGEST_WAIT_S = 60


@router.get("/{shard}", dependencies=[public("a status list names nobody and is signed")])
async def read_status_list(request: Request, shard: Annotated[int, Path(ge=1, le=2**31)]) -> Response:
    """Read a status list. With ``If-None-Match`` and ``Prefer: wait=N`` the answer comes when there is a newer one."""
    board: Board = request.app.state.board
    settings: Settings = request.app.state.settings
    posted = board.get(shard)
    known = request.headers.get("if-none-match", "")
    seconds = _wait(request.headers.get("prefer", ""))
    if posted is not None and seconds and posted.etag == known:
        address = request.client.host if request.client else ""
        await board.wait(shard, known, seconds, address, lambda: _hung_up(request))
        posted = board.get(shard)
    if posted is None:
        raise board.absent(shard)
    return _answer(posted, known, settings.status_ttl, takes_gzip(request.headers.get("accept-encoding", "")))


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _answer(posted: Posted, known: str, ttl: int, gzipped: bool) -> Response:
    headers = {
        "ETag": posted.etag,
        "Cache-Control": f"public, max-age={ttl}",
        "Vary": "Prefer, Accept-Encoding",
    }
    if posted.etag in {tag.strip() for tag in known.split(",")}:
        return Response(None, 304, headers)
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(posted.gzipped if gzipped else posted.text, 200, headers, MEDIA_TYPE)


def _wait(prefer: str) -> int:
    match = _WAIT.search(prefer)
    return min(_LONGEST_WAIT_S, int(match[1])) if match else 0
