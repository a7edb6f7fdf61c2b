"""Every route says who may call it: a role, or that it is public and why. A test walks all routes.

Guards are ``async`` and wait for nothing: for any other dependency a thread is taken, which costs more than they do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts

from licensing_server.web.access import Access, OpenAccess
from licensing_server.web.actor import Role


class RoleGuard:
    """A dependency that gives the route its :class:`Access`.

    Where the setting of the name ``unless`` says so, everybody is let through: then no token is looked at.
    """

    def __init__(self, roles: frozenset[Role], unless: str | None = None) -> None:
        self.roles = roles
        self.unless = unless

    async def __call__(self, request: Request) -> Access:
        """Prepare the access; the token is looked at inside the transaction."""
        if self.unless is not None and getattr(request.app.state.settings, self.unless):
            return OpenAccess(request)
        return Access(request, self.roles)


class PublicGuard:
    """A dependency that marks a route as needing no role, and says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def __call__(self) -> None:
        """Let everybody through."""


def requires(*roles: Role, unless: str | None = None) -> Any:
    """Return a guard for people who hold one of ``roles``; for everybody where the setting ``unless`` says so."""
    if not roles:
        raise ValueError("Name at least one role.")
    return Depends(RoleGuard(frozenset(roles), unless))


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
