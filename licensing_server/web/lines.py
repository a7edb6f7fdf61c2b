"""Long work that tells how far it is: JSON Lines, the last of which is the answer.

``{"step", "done", "total"}`` for each part done, ``{}`` where nothing moved for a second, so that nobody between takes
the connection for dead, and at the end ``{"status", "body"}`` as the answer without lines would have been. Whoever
hangs up does not stop the work: the same request with the same ``Idempotency-Key`` gets its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, Final, TypeAlias

import anyio.to_thread
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from licensing_protocol.canonical import decode, encode
from licensing_protocol.errors import InterlockError
from licensing_server.problem import Problem, Unprocessable

Told: TypeAlias = Callable[[str, int, int], None]
"""Called with the name of a step, how many rows of it are done and how many there are."""
Work: TypeAlias = Callable[[Told], Response]

MEDIA_TYPE: Final = "application/x-ndjson"
_ALIVE_S: Final = 1.0


def silent(step: str, done: int, total: int) -> None:
    """Tell nobody."""


def answer_long(request: Request, work: Work) -> Response:
    """Do ``work`` and answer it, line by line where the client takes lines."""
    if MEDIA_TYPE not in request.headers.get("accept", ""):
        return work(silent)
    return StreamingResponse(_lines(work, getattr(request.state, "request_id", None)), media_type=MEDIA_TYPE)


async def _lines(work: Work, request_id: str | None) -> AsyncIterator[bytes]:
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def tell(step: str, done: int, total: int) -> None:
        loop.call_soon_threadsafe(told.put_nowait, {"step": step, "done": done, "total": total})

    working = asyncio.ensure_future(anyio.to_thread.run_sync(partial(_outcome, work, tell, request_id)))
    while not working.done() or not told.empty():
        next_line = asyncio.ensure_future(told.get())
        await asyncio.wait({working, next_line}, timeout=_ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
        if next_line.done():
            yield _line(next_line.result())
        else:
            next_line.cancel()
            yield _line({})
    yield _line(working.result())


def _outcome(work: Work, tell: Told, request_id: str | None) -> dict[str, Any]:
    try:
        response = work(tell)
        return {"status": response.status_code, "body": decode(bytes(response.body)) if response.body else None}
    except Problem as problem:
        return {"status": problem.status, "body": problem.to_json(request_id)}
    except InterlockError as error:
        refused = Unprocessable(error.code, str(error))
        return {"status": refused.status, "body": refused.to_json(request_id)}


def _line(value: dict[str, Any]) -> bytes:
    return encode(value) + b"\n"
