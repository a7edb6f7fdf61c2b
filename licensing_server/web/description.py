"""The API's description: every refusal is a problem, and every route says which roles may call it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from licensing_server.problem import MEDIA_TYPE
from licensing_server.web.guard import RoleGuard, guard_of, routes_of

# How FastAPI by itself would describe a refusal.
_REPLACED: Final = frozenset({"HTTPValidationError", "ValidationError"})
_TEXT: Final = {"type": "string"}
_PROBLEM: Final = {
    "type": "object",
    "description": "A refusal (RFC 9457): `code` is stable, `detail` tells a person what to do next.",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "code": _TEXT,
        "detail": _TEXT,
        "request_id": _TEXT,
    },
}
_REFUSED: Final = {
    "description": "Refused",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an application."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = document["components"]
    components["schemas"] = {name: schema for name, schema in components["schemas"].items() if name not in _REPLACED}
    components["schemas"]["Problem"] = _PROBLEM
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, route in routes_of(app):
        guard = guard_of(route)
        for method in route.methods or ():
            # A path that may hold slashes says so to the router only.
            operation = document["paths"][path.replace(":path}", "}")][method.lower()]
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _REFUSED
            if isinstance(guard, RoleGuard):
                operation["security"] = [{"token": []}]
                operation["x-roles"] = sorted(guard.roles)
    return document
