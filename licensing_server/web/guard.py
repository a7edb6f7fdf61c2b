"""Every route says who may call it: a role, or that it is public and why. A test walks all routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts

from licensing_server.web.access import Access
from licensing_server.web.actor import Role


class RoleGuard:
    """A dependency that gives the route its :class:`Access`."""

    def __init__(self, roles: frozenset[Role]) -> None:
        self.roles = roles

    def __call__(self, request: Request) -> Access:
        """Prepare the access; the token is looked at inside the transaction."""
        return Access(request, self.roles)


class PublicGuard:
    """A dependency that marks a route as needing no role, and says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __call__(self) -> None:
        """Let everybody through."""


def requires(*roles: Role) -> Any:
    """Return a guard for people who hold one of ``roles``."""
    if not roles:
        raise ValueError("Name at least one role.")
    return Depends(RoleGuard(frozenset(roles)))


def public(reason: str) -> Any:
    """Return a guard that lets everybody through; the reason is for the reader and the walk over all routes."""
    return Depends(PublicGuard(reason))


def guard_of(route: APIRoute) -> RoleGuard | PublicGuard | None:
    """Return the guard of a route, ``None`` where somebody forgot it."""
    calls: list[Callable[..., Any] | None] = [dependency.call for dependency in route.dependant.dependencies]
    guards = [call for call in calls if isinstance(call, RoleGuard | PublicGuard)]
    return guards[0] if len(guards) == 1 else None


def routes_of(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    """Yield every route of the API with its whole path."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            yield str(context.path), context.original_route
