"""The witness over HTTP: ``add-checkpoint`` for logs, the newest cosigned checkpoints for monitors.

Nobody signs in: a log proves itself by the signature under its checkpoint, and everything that is answered is public.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from licensing_protocol.log.witness import MAX_BYTES, Answer
from licensing_server import clock
from licensing_server.problem import Problem, TooMany
from licensing_server.web.rate import Rate
from licensing_server.witness.memory import address_of
from licensing_server.witness.witness import TEXT_TYPE, Reply, Witness

_log = structlog.get_logger("interlock.witness")
_BODY_S = 10
"""Seconds in which a request's body must have come."""
_NEIGHBOURS = 64
"""Bits of an IPv6 address that one subscriber has."""


def create_app(witness: Witness, *, rate: int) -> Starlette:
    """Return the application. ``rate`` is how many requests one address may send in a minute."""
    front = _Front(witness, Rate(rate))
    return Starlette(
        routes=[
            Route("/", front.bounded(front.about), methods=["GET"]),
            Route("/healthz", front.health, methods=["GET"]),
            Route("/add-checkpoint", front.bounded(front.add), methods=["POST"]),
            Route("/{address}/checkpoint", front.bounded(front.newest), methods=["GET"]),
        ],
        exception_handlers={Problem: _refuse, HTTPException: _http},
    )


class _Front:
    def __init__(self, witness: Witness, rate: Rate) -> None:
        self._witness = witness
        self._rate = rate

    def bounded(self, route: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def within_bounds(request: Request) -> Response:
            self._rate.spend(_sender(request), clock.monotonic())
            return await route(request)

        return within_bounds

    async def add(self, request: Request) -> Response:
        body = await _body(request)
        reply = await run_in_threadpool(self._witness.add, body, clock.now())
        _log.info("add-checkpoint", status=int(reply.status))
        return _response(reply)

    async def newest(self, request: Request) -> Response:
        note = await run_in_threadpool(self._witness.newest, request.path_params["address"])
        if note is None:
            return _response(Reply(404, "This witness has cosigned no checkpoint of such a log.\n"))
        return _response(Reply(200, note))

    async def about(self, _request: Request) -> Response:
        return _response(Reply(200, await run_in_threadpool(_description, self._witness)))

    async def health(self, _request: Request) -> Response:
        # Looked up, so that a memory that cannot be read is no health.
        await run_in_threadpool(self._witness.newest, "")
        return _response(Reply(200, "alive\n"))


def _description(witness: Witness) -> str:
    lines = [
        "A witness of transparency logs (c2sp.org/tlog-witness): it cosigns what only grows.",
        "",
        f"key {witness.key}",
    ]
    lines += [f"log {address_of(origin)} {size} {origin}" for origin, size in witness.sizes().items()]
    return "\n".join([*lines, "", "The newest cosigned checkpoint of a log: /<the log's 64 digits>/checkpoint", ""])


async def _body(request: Request) -> bytes:
    """Return a request's body.

    Raises:
        HTTPException: 413 for a body over the bound, 408 for one that does not come in time.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BYTES:
                    raise HTTPException(413, f"A request to a witness has at most {MAX_BYTES} bytes.")
    except TimeoutError as error:
        raise HTTPException(408, f"The body did not come within {_BODY_S} seconds.") from error
    except ClientDisconnect as error:
        raise HTTPException(Answer.MALFORMED, "The body broke off.") from error
    return bytes(body)


def _sender(request: Request) -> str:
    """Return whom a request counts for: an address, of IPv6 the network that one subscriber has."""
    host = "" if request.client is None else request.client.host
    try:
        network = ipaddress.IPv6Network((host, _NEIGHBOURS), strict=False)
    except ValueError:
        return host
    return str(network)


def _response(reply: Reply) -> Response:
    headers = {"Content-Type": reply.media_type, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Response(reply.body.encode(), int(reply.status), headers)


async def _refuse(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    if not isinstance(error, TooMany):
        _log.error("a request failed", code=error.code)
    response = _response(Reply(error.status, f"{error.detail}\n"))
    response.headers.update(error.headers)
    return response


async def _http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = {"Content-Type": TEXT_TYPE, **(error.headers or {})}
    return Response(f"{error.detail}\n".encode(), error.status_code, headers)
