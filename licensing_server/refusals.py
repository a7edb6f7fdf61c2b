"""Turns every refusal into an RFC 9457 problem; a client never sees a stack trace."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from licensing_protocol import canonical
from licensing_protocol.errors import InterlockError
from licensing_server.problem import MEDIA_TYPE, Problem, Unprocessable, in_plain_words

_MOST_ERRORS = 20


def install(app: FastAPI) -> None:
    """Install the handlers."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(InterlockError, _protocol)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)


def _answer(request: Request, problem: Problem, status: int | None = None) -> Response:
    document = problem.to_json(getattr(request.state, "request_id", None))
    if status is not None:
        document |= {"status": status, "title": HTTPStatus(status).phrase}
    return Response(canonical.encode(document), document["status"], problem.headers, MEDIA_TYPE)


async def _problem(request: Request, error: Any) -> Response:
    return _answer(request, error)


async def _protocol(request: Request, error: Any) -> Response:
    return _answer(request, Unprocessable(error.code, str(error)))


async def _malformed(request: Request, error: Any) -> Response:
    # Where and what, but not the value: it may be a secret.
    errors = [
        {"where": "/".join(map(str, found["loc"])), "problem": in_plain_words(str(found["msg"]))}
        for found in error.errors()[:_MOST_ERRORS]
    ]
    first = errors[0]
    # The sentence is for people: what they gave has a name, whatever part of the request it travels in.
    name = first["where"].partition("/")[2] or "The request"
    detail = f"{name} {first['problem']}."
    return _answer(request, Unprocessable("request.malformed", detail, errors=errors))


async def _http(request: Request, error: Any) -> Response:
    code = {404: "route.unknown", 405: "route.method"}.get(error.status_code, "request.refused")
    problem = Problem(code, str(error.detail))
    # Such as Allow, which a 405 must have.
    problem.headers |= error.headers or {}
    return _answer(request, problem, error.status_code)
