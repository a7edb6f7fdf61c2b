"""A restored server is the same server, holds issuing closed, and makes the lost time safe."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from licensing_protocol.canonical import from_base64url
from licensing_protocol.status_list import read_status
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.devices.tables import EnrolmentToken
from licensing_server.problem import Conflict, Problem
from licensing_server.web import Role
from tests.server.backup.conftest import Written
from tests.server.backup.places import Reopened, bring_back, contents, make, passphrase
from tests.server.exporter import CAPABILITY, PLAN, Exporter

# What a restore itself writes: everything else must come back as it was.
CHANGED = {"restoration", "log", "log_entry", "log_hash", "shard", "status_change", "device_plan"}


def test_every_row_comes_back_on_either_database(exporter: Exporter, empty_place: Settings, tmp_path: Path) -> None:
    device = exporter.device()
    order = exporter.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
    exporter.order("reinstate", undoes=order["id"])
    archive = tmp_path / "backup.tar.gz"
    made = make(exporter, archive)
    before = contents(exporter.settings.url)
    bring_back(empty_place, archive, passphrase(exporter))
    after = contents(empty_place.url)
    assert made.rows == sum(map(len, before.values()))
    assert set(after) == set(before)
    for table in set(before) - CHANGED:
        assert after[table] == before[table], table
    held, entries = (dict(_entries(found)) for found in (before, after))
    assert set(held) < set(entries)
    placed = sorted(index for index in entries.values() if index is not None)
    assert placed == list(range(made.log_size + 1))
    begun, restored = sorted(set(entries) - set(held), key=lambda row: "backup.restored" in row)
    assert ("log.begun" in begun, "backup.restored" in restored) == (True, True)
    assert entries[begun] == made.log_size
    assert set(before["log_hash"]) < set(after["log_hash"])
    assert len(after["restoration"]) == 1


def test_issuing_opens_again_when_two_people_have_accepted(
    sqlite_exporter: Exporter, empty_place: Settings, tmp_path: Path
) -> None:
    device = sqlite_exporter.device()
    archive = tmp_path / "backup.tar.gz"
    make(sqlite_exporter, archive)
    restored = bring_back(empty_place, archive, passphrase(sqlite_exporter))
    with Reopened(sqlite_exporter, empty_place) as again:
        again.settle()
        path = f"/v1/devices/{device.id}/entitlements"
        assert again.ask("POST", path, json=PLAN).json()["code"] == "restore.waiting"
        assert again.get("/v1/restoration")["loss"] == restored.loss
        again.post("/v1/restoration/acceptance", None, Role.APPROVER)
        same = again.ask("POST", "/v1/restoration/acceptance", Role.APPROVER)
        assert same.json()["code"] == "four_eyes.same_person"
        assert again.ask("POST", path, json=PLAN).status_code == 503
        again.post("/v1/restoration/acceptance", None, Role.ADMINISTRATOR)
        assert again.post(path, PLAN)["device"] == device.id
        assert again.ask("GET", "/v1/restoration").status_code == 404


def test_a_grant_that_was_given_after_the_backup_is_dead_and_its_index_never_serves_again(
    sqlite_exporter: Exporter, empty_place: Settings, tmp_path: Path
) -> None:
    device = sqlite_exporter.device()
    archive = tmp_path / "backup.tar.gz"
    make(sqlite_exporter, archive)
    lost = sqlite_exporter.post(f"/v1/devices/{device.id}/entitlements", PLAN)
    references = [grant["status"] for grant in lost["claims"]["grants"].values()]
    bring_back(empty_place, archive, passphrase(sqlite_exporter))
    with Reopened(sqlite_exporter, empty_place) as again:
        _accept(again)
        bits = _statuses(again, references)
        assert bits == [1] * len(references)
        answer = again.check_in(device)
        fresh = [grant["status"] for grant in device.entitlement["grants"].values()] if device.entitlement else []
        assert "entitlement" in answer
        assert fresh
        assert {grant["uri"] for grant in fresh}.isdisjoint(grant["uri"] for grant in references)


def test_no_list_is_signed_before_what_was_suspended_since_the_backup_is_suspended_again(
    exporter: Exporter, empty_place: Settings, tmp_path: Path
) -> None:
    device = exporter.device()
    assert device.entitlement is not None
    reference = device.entitlement["grants"][CAPABILITY]["status"]
    scope = {"device": device.id, "capability": CAPABILITY}
    archive = tmp_path / "backup.tar.gz"
    make(exporter, archive)
    exporter.order("suspend", scope=scope)
    held = exporter.status_list(reference["uri"])
    assert _statuses(exporter, [reference]) == [2]
    bring_back(empty_place, archive, passphrase(exporter))
    with Reopened(exporter, empty_place) as again:
        for _ in range(2):
            again.settle()
            refused = again.ask("GET", "/v1/status/1", None)
            assert (refused.status_code, refused.json()["code"]) == (503, "restore.waiting")
            assert "Retry-After" in refused.headers
        again.order("suspend", scope=scope)
        assert again.ask("GET", "/v1/status/1", None).status_code == 503
        _accept(again)
        assert _statuses(again, [reference]) == [2]
        assert again.status_list(reference["uri"])["seq"] > held["seq"]


def test_an_enrolment_token_that_was_open_is_over(written: Written, empty_place: Settings) -> None:
    bring_back(empty_place, written.archive, written.passphrase)
    database = Database(empty_place.url)
    with database.read() as session:
        (token,) = session.scalars(select(EnrolmentToken)).all()
        assert token.revoked_at is not None
    database.close()


def test_a_restore_refuses_a_place_that_is_in_use(written: Written, tmp_path: Path) -> None:
    other = Settings(data_dir=tmp_path / "other", database_url=written.settings.url)
    before = contents(written.settings.url)
    for place in (written.settings, other):
        with pytest.raises(Conflict) as refused:
            bring_back(place, written.archive, written.passphrase)
        assert refused.value.code == "restore.not_empty"
    assert contents(written.settings.url) == before


@pytest.mark.parametrize(("secret", "code"), [(None, "restore.passphrase"), ("wrong", "signing.unreadable")])
def test_a_restore_needs_the_passphrase(written: Written, tmp_path: Path, secret: str | None, code: str) -> None:
    place = Settings(data_dir=tmp_path / "restored")
    with pytest.raises(Problem) as refused:
        bring_back(place, written.archive, secret)
    assert refused.value.code == code
    assert not (place.data_dir / "keys").exists()


def test_what_is_restored_is_private_and_keeps_the_settings(written: Written, tmp_path: Path) -> None:
    place = Settings(data_dir=tmp_path / "restored", appeal="the new office")
    bring_back(place, written.archive, written.passphrase)
    assert written.archive.stat().st_mode & 0o777 == 0o600
    for path in (place.data_dir / "passphrase", *(place.data_dir / "keys").iterdir()):
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert (place.data_dir / "interlock.env").read_text() == "INTERLOCK_PUBLIC_URL='https://exporter.example'\n"
    assert written.passphrase.encode() not in gzip.decompress(written.archive.read_bytes())


def _entries(rows: dict[str, list[str]]) -> Iterator[tuple[str, int | None]]:
    """Yield the entries of the log, and the index of each."""
    index = re.compile(r"\('position', (None|[0-9]+)\)")
    for row in rows["log_entry"]:
        found = index.search(row)
        assert found is not None
        yield index.sub("", row), None if found[1] == "None" else int(found[1])


def _accept(exporter: Exporter) -> None:
    for role in (Role.APPROVER, Role.ADMINISTRATOR):
        exporter.post("/v1/restoration/acceptance", None, role)
    exporter.settle()


def _statuses(exporter: Exporter, references: list[dict[str, object]]) -> list[int]:
    found: list[int] = []
    for reference in references:
        packed = from_base64url(exporter.status_list(str(reference["uri"]))["status_list"]["lst"])
        found.append(read_status(zlib.decompress(packed), int(str(reference["idx"]))))
    return found
