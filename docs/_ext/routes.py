"""Lists the server's routes with who may call them, from the application's own routers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi.routing import APIRoute

from licensing_server.app import ROUTERS
from licensing_server.web.guard import PublicGuard, RoleGuard, guard_of


@dataclass(frozen=True, slots=True)
class Route:
    """``who``: the roles, or that it is open and why. ``idempotent``: an ``Idempotency-Key`` makes a retry safe."""

    topic: str
    method: str
    path: str
    who: str
    summary: str


def routes() -> Iterator[Route]:
    """Return all routes, by topic, in the order of the application."""
    for router in ROUTERS:
        topic = str(router.tags[0]) if router.tags else "other"
        for route in router.routes:
            if isinstance(route, APIRoute):
                summary = (route.endpoint.__doc__ or "").split("\n\n")[0]
                for method in sorted(route.methods or ()):
                    yield Route(topic, method, route.path, _who(guard_of(route)), " ".join(summary.split()))


def to_markdown() -> str:
    """Return the routes as one table for each topic."""
    lines: list[str] = []
    topic = None
    for route in routes():
        if route.topic != topic:
            topic = route.topic
            lines += ["", f"### {topic.capitalize()}", "", "| method and path | who | what |", "|---|---|---|"]
        lines.append(f"| `{route.method} {route.path}` | {route.who} | {route.summary} |")
    return "\n".join(lines)


def _who(guard: RoleGuard | PublicGuard | None) -> str:
    if isinstance(guard, RoleGuard):
        return ", ".join(sorted(guard.roles))
    return f"open: {guard.reason}" if isinstance(guard, PublicGuard) else ""
