"""Every route says who may call it, and holds to it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from fastapi.routing import iter_route_contexts
from sqlalchemy import text

from licensing_server.web import Role, guard_of
from licensing_server.web.guard import PublicGuard, RoleGuard, routes_of
from tests.server.acts import NOWHERE, Act, acts
from tests.server.exporter import PLAN, Exporter

PUBLIC = {
    "GET /healthz": "says only that the process answers",
    "GET /readyz": "says only whether the server is fit to serve",
    "GET /metrics": "figures without ids; keep it off the open network in a proxy",
    "GET /v1/trust/{version}.root.json": "a root of trust is for everybody",
    "GET /v1/trust/targets.json": "who may sign what is for everybody",
    "GET /v1/status/{shard}": "a status list names nobody and is signed",
    "POST /v1/enrollments": "signed by the new device key, with a one-time token",
    "POST /v1/devices/{device}/challenges": "a nonce is no secret",
    "POST /v1/devices/{device}/evidence": "signed by the device's key",
}
PREVIEWED = {
    "POST /v1/devices/{device}/entitlements/preview": PLAN,
    "POST /v1/orders/preview": {"kind": "suspend", "scope": {"everywhere": True}},
}
UNGUARDED = {"/openapi.json"}
"""The API's own description: the same for everybody, and part of the source."""


def test_no_route_is_open_by_accident(sqlite_exporter: Exporter) -> None:
    found = {name: guard for name, guard in guards(sqlite_exporter) if isinstance(guard, PublicGuard)}
    assert {name: guard.reason for name, guard in found.items()} == PUBLIC
    assert [name for name, guard in guards(sqlite_exporter) if guard is None] == []
    everything = {context.path for context in iter_route_contexts(sqlite_exporter.app.routes)}
    assert everything - {path for path, _ in routes_of(sqlite_exporter.app)} == UNGUARDED


def test_every_staff_route_refuses_who_has_no_token_or_not_the_role(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    examples = {act.route: act for act in acts(exporter)}
    refused = 0
    for name, guard in guards(exporter):
        if not isinstance(guard, RoleGuard):
            continue
        act = examples.get(name) or _reading(name, guard.roles)
        answer = act.send(exporter, token="")
        assert (answer.status_code, answer.json()["code"]) == (401, "token.missing"), name
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        for role in set(Role) - guard.roles:
            answer = act.send(exporter, role)
            assert (answer.status_code, answer.json()["code"]) == (403, "role.missing"), (name, role)
            refused += 1
    assert refused > 100


def test_every_staff_route_refuses_a_token_that_is_over(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    over = {
        "token.refused": [_revoked(exporter), _rotated(exporter), "token_x.y", f"{exporter.administrator}x"],
        "token.expired": [_expired(exporter)],
    }
    examples = {act.route: act for act in acts(exporter)}
    for name, guard in guards(exporter):
        if isinstance(guard, RoleGuard):
            act = examples.get(name) or _reading(name, guard.roles)
            for code, tokens in over.items():
                for token in tokens:
                    answer = act.send(exporter, token=token)
                    assert (answer.status_code, answer.json()["code"]) == (401, code), name


def test_the_token_of_a_person_who_left_is_refused(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    person = exporter.people[Role.AUDITOR]
    left = exporter.ask("POST", f"/v1/people/{person}/disabling", Role.ADMINISTRATOR, headers={"If-Match": '"1"'})
    assert left.status_code == 200
    assert exporter.ask("GET", "/v1/me", Role.AUDITOR).status_code == 401


def test_no_guard_takes_a_thread_from_requests(sqlite_exporter: Exporter) -> None:
    for name, guard in guards(sqlite_exporter):
        assert inspect.iscoroutinefunction(type(guard).__call__), name


def guards(exporter: Exporter) -> Iterator[tuple[str, RoleGuard | PublicGuard | None]]:
    for path, route in routes_of(exporter.app):
        (method,) = tuple(route.methods or ())
        yield f"{method} {path}", guard_of(route)


def _reading(name: str, roles: frozenset[Role]) -> Act:
    method, pattern = name.split()
    assert method == "GET" or name.endswith(("/preview", "/acceptance")), f"{name} has no example in acts.py"
    path = pattern.replace("{index}", "0")
    for part in ("person", "device", "party", "proviso", "order", "case", "jti", "export", "product", "code"):
        path = path.replace(f"{{{part}}}", NOWHERE if part not in {"product", "code"} else "x1")
    return Act(name, path, PREVIEWED.get(name), min(roles), ())


def _token_of(exporter: Exporter) -> tuple[str, str]:
    made = exporter.post(f"/v1/people/{exporter.people[Role.COMPLIANCE]}/tokens", {}, Role.ADMINISTRATOR)
    return made["id"], made["token"]


def _revoked(exporter: Exporter) -> str:
    token_id, token = _token_of(exporter)
    assert exporter.ask("DELETE", f"/v1/tokens/{token_id}").status_code == 204
    return token


def _rotated(exporter: Exporter) -> str:
    token_id, token = _token_of(exporter)
    assert exporter.ask("POST", f"/v1/tokens/{token_id}/rotation").status_code == 201
    return token


def _expired(exporter: Exporter) -> str:
    token_id, token = _token_of(exporter)
    with exporter.database.write() as session:
        session.execute(text("UPDATE api_token SET expires_at = created_at WHERE id = :id"), {"id": token_id})
    return token
