"""What stands before every route: a request id, a bound on the body, strict JSON, and one line of log."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

import anyio.to_thread
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from licensing_protocol import canonical
from licensing_protocol.errors import MalformedDocument
from licensing_server import clock
from licensing_server.problem import MEDIA_TYPE, Problem, TooLarge, Unprocessable, UnsupportedMedia
from licensing_server.web.metrics import REQUESTS, SECONDS

_log = structlog.get_logger("interlock.http")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
# Decoding more than this would keep other requests waiting, so a worker thread does it.
_LONG_BODY: Final = 65_536


class Intake:
    """ASGI middleware. It reads the whole body, which is bounded, before a worker thread is taken."""

    def __init__(self, app: ASGIApp, body_limit: int) -> None:
        self._app = app
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id)
        started = clock.monotonic()
        try:
            await self._serve(scope, receive, answer)
        except Problem as problem:
            await _refuse(problem, request_id, answer.send)
        except Exception as error:
            _log.error("unexpected error", exc_info=error, request_id=request_id)
            if answer.status:
                raise
            failed = Problem("server.failed", "The server failed; give the request id to whoever runs it.")
            await _refuse(failed, request_id, answer.send)
        finally:
            _record(scope, answer.status, clock.monotonic() - started, request_id)

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        body = await self._body(scope, receive)
        if body is None:
            return
        if body:
            _refuse_unless_json(scope)
            scope["state"]["json"] = await _strictly(body)
        scope["state"]["body"] = body
        await self._app(scope, _replay(body, receive), answer.send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """Return the whole body, ``None`` where the sender went away before its end."""
        announced = (_header(scope, b"content-length") or b"").decode("latin-1")
        if announced.isdecimal() and int(announced[:20]) > self._body_limit:
            raise self._too_large()
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._body_limit:
                raise self._too_large()
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> TooLarge:
        return TooLarge("body.too_large", f"A request body has at most {self._body_limit} bytes.")


class _Answer:
    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", []))
            headers += [(b"x-request-id", self._request_id.encode()), (b"x-content-type-options", b"nosniff")]
            message = {**message, "headers": headers}
        await self._send(message)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive_again() -> Message:
        return next(messages, None) or await receive()

    return receive_again


def _refuse_unless_json(scope: Scope) -> None:
    media_type = (_header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        raise UnsupportedMedia("body.type", "Send the body as application/json.")


async def _strictly(body: bytes) -> Any:
    try:
        return await anyio.to_thread.run_sync(_decode, body) if len(body) > _LONG_BODY else _decode(body)
    except MalformedDocument as error:
        raise Unprocessable(error.code, str(error)) from error


def _decode(body: bytes) -> Any:
    value = canonical.decode(body)
    # The escape is looked for first, because most bodies have none.
    if b"\\u0000" in body and _holds_nul(value):
        raise MalformedDocument("A string holds the character U+0000, which no database keeps.", code="json.nul")
    return value


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_nul, value)) or any(map(_holds_nul, value.values()))
    return any(map(_holds_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value


async def _refuse(problem: Problem, request_id: str, send: Any) -> None:
    headers = [(b"content-type", MEDIA_TYPE.encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": canonical.encode(problem.to_json(request_id))})


def _request_id(scope: Scope) -> str:
    given = (_header(scope, b"x-request-id") or b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_urlsafe(12)


def _header(scope: Scope, name: bytes) -> bytes | None:
    values: list[bytes] = [value for key, value in scope["headers"] if key == name]
    return values[0] if values else None


def _record(scope: Scope, status: int, seconds: float, request_id: str) -> None:
    route = scope.get("route")
    # The pattern of the route, never the path: a path may name a device.
    pattern = getattr(route, "path", "unmatched")
    # Whoever sends may invent methods; each would be a series of its own.
    method = scope["method"] if scope["method"] in _METHODS else "other"
    REQUESTS.labels(method, pattern, str(status)).inc()
    SECONDS.labels(method, pattern).observe(seconds)
    _log.info(
        "request",
        method=method,
        route=pattern,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        request_id=request_id,
    )
