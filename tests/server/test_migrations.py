"""The schema's history leads to exactly the tables of the rooms, on both databases, whatever is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import UniqueConstraint, inspect, text

from licensing_server import migrations
from licensing_server.database import Database
from licensing_server.migrations.models import METADATA
from licensing_server.problem import Problem
from tests.server.exporter import CAPABILITY, Exporter


def test_upgraded_from_empty_it_is_what_the_models_say(database_url: str) -> None:
    database = Database(database_url)
    if database.is_sqlite:
        assert migrations.is_current(database) is False
    migrations.upgrade(database)
    assert migrations.is_current(database) is True
    with database.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
        found = inspect(connection)
        for table in METADATA.sorted_tables:
            assert _constraint_names(found, table.name) == _expected_names(table), table.name
    database.close()


def test_upgrading_again_changes_nothing(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.order("suspend", scope={"device": device.id, "capability": CAPABILITY})
    exporter.check_in(device, events=[("agent.started", {})], components={"rules": b"r" * 32})
    before = _counts(exporter)
    migrations.upgrade(exporter.database)
    assert _counts(exporter) == before
    assert sum(map(bool, before.values())) > 15
    assert "receipt" in exporter.check_in(device)


def test_a_quota_that_was_signed_before_keeps_the_anchor_that_its_device_counts_from(exporter: Exporter) -> None:
    devices = [exporter.device(_quota(anchor)) for anchor in (5, 6)]
    for device in devices:
        exporter.post(f"/v1/devices/{device.id}/entitlements", {"grants": {CAPABILITY: {}}})
    with exporter.database.write() as session:
        session.execute(text("DROP TABLE quota_anchor"))
        session.execute(text("UPDATE alembic_version SET version_num = '0005'"))
    migrations.upgrade(exporter.database, "0006")
    with exporter.database.write() as session:
        rows = session.execute(text("SELECT device, quota, anchor FROM quota_anchor")).all()
    assert set(map(tuple, rows)) == {(device.id, CAPABILITY, 5 + number) for number, device in enumerate(devices)}


def test_a_broken_reference_is_found_and_nothing_is_upgraded(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'interlock.db'}")
    migrations.upgrade(database)
    with database.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute("INSERT INTO person_role (person, role, given_at) VALUES ('nobody', 'auditor', 1)")
        raw.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(Problem) as refused:
        migrations.upgrade(database)
    assert refused.value.code == "migration.broken_reference"
    database.close()


def _quota(anchor: int) -> dict[str, Any]:
    quota = {"uses": 3, "per": "P1D", "anchor": anchor}
    return {"grants": {CAPABILITY: {"limits": {"quota": quota}}}}


def _constraint_names(found: Any, table: str) -> set[str]:
    names = {found.get_pk_constraint(table)["name"]}
    names |= {key["name"] for key in found.get_foreign_keys(table)}
    return names | {unique["name"] for unique in found.get_unique_constraints(table)}


def _expected_names(table: Any) -> set[str]:
    kept = {table.primary_key.name} | {str(key.name) for key in table.foreign_key_constraints}
    return kept | {str(each.name) for each in table.constraints if isinstance(each, UniqueConstraint)}


def _counts(exporter: Exporter) -> dict[str, int]:
    with exporter.database.read() as session:
        return {
            table.name: session.scalar(text(f'SELECT count(*) FROM "{table.name}"')) or 0
            for table in METADATA.sorted_tables
        }
