"""People, the roles they hold, tokens that end and rotate, and the two people whom a restore waits for."""

from __future__ import annotations

from typing import Any

from httpx2 import Response
from sqlalchemy import text

from licensing_server import clock
from licensing_server.web import Role
from tests.server.exporter import Exporter

DAY_S = 86_400


def test_a_token_is_shown_once_and_kept_as_a_hash(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    person = exporter.people[Role.AUDITOR]
    made = exporter.post(f"/v1/people/{person}/tokens", {"label": "laptop"}, Role.ADMINISTRATOR)
    token_id, secret = made["token"].split(".")
    listed = exporter.get(f"/v1/people/{person}/tokens", Role.ADMINISTRATOR)["items"]
    assert made["id"] == token_id
    assert token_id in {token["id"] for token in listed}
    assert secret not in str(listed)
    with exporter.database.read() as session:
        rows = session.execute(text("SELECT * FROM api_token")).all()
    assert secret not in str(rows)


def test_a_token_lives_as_long_as_asked_and_never_longer_than_the_setting(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    path = f"/v1/people/{exporter.people[Role.AUDITOR]}/tokens"
    lives = [
        token["expires_at"] - token["created_at"]
        for token in (exporter.post(path, body, Role.ADMINISTRATOR) for body in ({}, {"days": 3}))
    ]
    assert lives == [exporter.settings.token_days * DAY_S, 3 * DAY_S]
    refused = exporter.ask("POST", path, Role.ADMINISTRATOR, json={"days": exporter.settings.token_days + 1})
    assert (refused.status_code, refused.json()["code"]) == (422, "token.too_long_lived")


def test_rotation_ends_the_old_token_at_once_and_keeps_its_length_of_life(exporter: Exporter) -> None:
    old = exporter.tokens[Role.AUDITOR]
    rotated = exporter.post(f"/v1/tokens/{old.split('.')[0]}/rotation", None, Role.AUDITOR)
    assert _me(exporter, old).json()["code"] == "token.refused"
    assert _me(exporter, rotated["token"]).json()["id"] == exporter.people[Role.AUDITOR]
    assert rotated["expires_at"] - rotated["created_at"] == exporter.settings.token_days * DAY_S


def test_nobody_rotates_anothers_token_and_so_becomes_them(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    token = exporter.tokens[Role.APPROVER].partition(".")[0]
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        refused = exporter.ask("POST", f"/v1/tokens/{token}/rotation", role)
        assert (refused.status_code, refused.json()["code"]) == (403, "token.of_another")
    assert exporter.ask("GET", "/v1/me", Role.APPROVER).status_code == 200


def test_a_token_ends_when_its_owner_says_so_and_not_twice(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    path = f"/v1/tokens/{exporter.tokens[Role.AUDITOR].split('.')[0]}"
    foreign = exporter.ask("DELETE", path, Role.VENDOR)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "token.of_another")
    assert exporter.ask("DELETE", path, Role.AUDITOR).status_code == 204
    assert exporter.ask("GET", "/v1/me", Role.AUDITOR).status_code == 401
    again = exporter.ask("DELETE", path, Role.ADMINISTRATOR)
    assert (again.status_code, again.json()["code"]) == (409, "token.revoked")


def test_roles_are_set_by_version_and_take_effect_at_once(exporter: Exporter) -> None:
    person = exporter.people[Role.AUDITOR]
    assert exporter.ask("GET", "/v1/people", Role.AUDITOR).status_code == 200
    changed = _set_roles(exporter, person, ["compliance", "auditor", "compliance"], 1)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert changed.json()["roles"] == ["auditor", "compliance"]
    stale = _set_roles(exporter, person, ["vendor"], 1)
    assert (stale.status_code, stale.json()["code"]) == (412, "edit.conflict")
    assert _set_roles(exporter, "person_unknown", ["vendor"], 1).json()["code"] == "person.unknown"
    blind = exporter.ask("PUT", f"/v1/people/{person}/roles", Role.ADMINISTRATOR, json={"roles": []})
    assert (blind.status_code, blind.json()["code"]) == (428, "edit.no_version")
    assert _set_roles(exporter, person, [], 2).status_code == 200
    assert exporter.ask("GET", "/v1/people", Role.AUDITOR).json()["code"] == "role.missing"


def test_the_last_administrator_stays(exporter: Exporter) -> None:
    first = _me(exporter, exporter.administrator).json()["id"]
    assert _set_roles(exporter, first, ["auditor"], 1).status_code == 200
    last = exporter.people[Role.ADMINISTRATOR]
    for refused in (_set_roles(exporter, last, ["auditor"], 1), _disable(exporter, last, 1)):
        assert (refused.status_code, refused.json()["code"]) == (409, "administrator.last")
    assert exporter.get("/v1/me", Role.ADMINISTRATOR)["roles"] == ["administrator"]


def test_who_left_gets_no_new_token_and_leaves_once(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    person = exporter.people[Role.VENDOR]
    assert _disable(exporter, person, 1).json()["disabled_at"] is not None
    refused = exporter.ask("POST", f"/v1/people/{person}/tokens", Role.ADMINISTRATOR, json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "person.disabled")
    assert _disable(exporter, person, 2).json()["code"] == "person.disabled"


def test_after_a_restore_issuing_waits_for_two_different_people(exporter: Exporter) -> None:
    device = exporter.device()
    assert exporter.ask("GET", "/v1/restoration").json()["code"] == "restore.none"
    with exporter.database.write() as session:
        values = {"now": clock.now(), "loss": "the last hour"}
        statement = "INSERT INTO restoration (restored_at, backup_made_at, loss) VALUES (:now, :now, :loss)"
        session.execute(text(statement), values)
    assert _renew(exporter, device.id).json()["code"] == "restore.waiting"
    assert _renew(exporter, device.id).headers["Retry-After"] == "60"
    assert "receipt" in exporter.check_in(device)
    assert exporter.get("/v1/restoration")["loss"] == "the last hour"

    assert _accept(exporter, Role.APPROVER).json()["first"] == exporter.people[Role.APPROVER]
    twice = _accept(exporter, Role.APPROVER)
    assert (twice.status_code, twice.json()["code"]) == (409, "four_eyes.same_person")
    exporter.tokens[Role.APPROVER] = exporter.post(
        f"/v1/people/{exporter.people[Role.APPROVER]}/tokens", {}, Role.ADMINISTRATOR
    )["token"]
    assert _accept(exporter, Role.APPROVER).json()["code"] == "four_eyes.same_person"
    assert _renew(exporter, device.id).status_code == 503
    assert _accept(exporter, Role.ADMINISTRATOR).status_code == 200
    assert _renew(exporter, device.id).status_code == 201
    exporter.settle()
    accepted = exporter.get("/v1/log/entries?type=restore.accepted", Role.AUDITOR)["items"]
    assert [entry["data"]["as"] for entry in accepted] == ["first", "second"]


def _me(exporter: Exporter, token: str) -> Response:
    return exporter.ask("GET", "/v1/me", None, headers={"Authorization": f"Bearer {token}"})


def _set_roles(exporter: Exporter, person: str, roles: list[str], version: int) -> Response:
    headers = {"If-Match": f'"{version}"'}
    return exporter.ask("PUT", f"/v1/people/{person}/roles", Role.ADMINISTRATOR, json={"roles": roles}, headers=headers)


def _disable(exporter: Exporter, person: str, version: int) -> Response:
    headers = {"If-Match": f'"{version}"'}
    return exporter.ask("POST", f"/v1/people/{person}/disabling", Role.ADMINISTRATOR, headers=headers)


def _renew(exporter: Exporter, device: str) -> Response:
    return exporter.ask("POST", f"/v1/devices/{device}/entitlements/renewal")


def _accept(exporter: Exporter, role: Role) -> Any:
    return exporter.ask("POST", "/v1/restoration/acceptance", role)
