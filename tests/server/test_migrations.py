"""The schema's history leads to exactly the tables of the rooms, on both databases, whatever is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import UniqueConstraint, column, insert, inspect, table, text

from licensing_protocol.log.merkle import leaf_hash
from licensing_server import audit_log, migrations
from licensing_server.database import Database
from licensing_server.migrations.models import METADATA
from licensing_server.problem import Problem
from tests.server.exporter import CAPABILITY, Exporter
from tests.server.log_reader import refuse_gaps


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


def test_entries_that_had_an_index_before_there_was_a_tree_are_put_into_it(database_url: str) -> None:
    database = Database(database_url)
    if not database.is_sqlite:
        _empty(database)
    migrations.upgrade(database, "0004")
    bodies = [b'{"number":%d}' % number for number in range(5_300)]
    # In another order than that in which they came, and two that still wait.
    placed = [*range(len(bodies) - 1, -1, -1), None, None]
    with database.write() as session:
        rows = [_entry(body, at) for body, at in zip(bodies + bodies[:2], placed, strict=True)]
        session.execute(text(_ENTRY), rows)
    migrations.upgrade(database)
    with database.write() as session:
        # As a start does.
        audit_log.begin(session, "exporter.example/log", 1)
        audit_log.sequence(session, 1)
    leaves = refuse_gaps(database)
    assert leaves[: len(bodies)] == [leaf_hash(body) for body in reversed(bodies)]
    assert len(leaves) == len(placed) + len(("log.begun",))
    database.close()


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


def test_orders_of_before_stand_as_they_were(database_url: str) -> None:
    database = Database(database_url)
    if not database.is_sqlite:
        _empty(database)
    migrations.upgrade(database, "0002")
    with database.write() as session:
        for name, columns, rows in _BEFORE:
            session.execute(insert(table(name, *map(column, columns.split()))).values(list(rows)))
    migrations.upgrade(database)
    with database.read() as session:

        def found(statement: str) -> list[Any]:
            return [tuple(row) for row in session.execute(text(statement)).all()]

        assert found('SELECT state, in_force_at, devices, scope FROM "order" ORDER BY id') == [
            ("in_force", 7, 1, '{"device":"d"}'),
            ("undone", 7, 1, '{"capability":"av.record","device":"d"}'),
            ("in_force", 9, 1, '{"capability":"av.record","device":"d"}'),
        ]
        assert found('SELECT "order", kind, wide, lifted_at FROM restriction ORDER BY "order"') == [
            ("o1", "suspended", False, None),
            ("o2", "revoked", False, 9),
        ]
        assert found("SELECT device, capability, known_at FROM order_target ORDER BY 2, 3")[0] == ("d", "*", None)
        assert found("SELECT * FROM plan_grant") == [("d", "av.record", 60, 90)]
        assert found("SELECT given_at, given_by FROM person_role") == [(3, None)]
        assert found("SELECT vouched_at, vouched_by FROM api_token") == [(4, None)]
        assert found('SELECT subject, "first", "second" FROM four_eyes') == [("restoration:8", "p", None)]
    database.close()


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


def _empty(database: Database) -> None:
    # The databases of these tests are copies of one that is migrated already.
    with database.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


_PLAN = '{"grants":{"av.record":{"freshness":{"max_offline":60,"max_silent":90}}},"valid_for":60,"zones":{}}'
_WIDE, _NARROW = '{"capability":null,"device":"d"}', '{"capability":"av.record","device":"d"}'
_BEFORE: tuple[tuple[str, str, tuple[tuple[Any, ...], ...]], ...] = (
    ("person", "id name created_at version", (("p", "Ada", 3, 1),)),
    ("person_role", "person role", (("p", "approver"),)),
    ("api_token", "id person label secret_hash created_at expires_at", (("t", "p", "x", "x", 4, 9),)),
    ("product", "id name vendor_key created_at", (("camera", "Camera", "{}", 1),)),
    ("release", "manifest product release text registered_at", (("m", "camera", "1", "", 1),)),
    ("party", "id name country role created_at version", (("e", "Parks", "FR", "end-user", 1, 1),)),
    (
        "device",
        "id key key_thumbprint product end_user authorisation manifest enrolled_at last_seen version",
        (("d", "{}", "d", "camera", "e", "EX", "m", 1, 1, 1),),
    ),
    (
        "device_plan",
        "device plan revision signed_revision approved_by approved_at",
        (("d", _PLAN, 1, 1, "p", 1),),
    ),
    ("log_entry", "id body leaf type time actor subject", ((1, b"", b"", "order.placed", 7, "p", "o1"),)),
    (
        "order",
        "id kind scope reason_code reason_text actor placed_at undoes entry targeted undone_by",
        (
            ("o1", "suspend", _WIDE, "contract", "", "p", 7, None, 1, 1, None),
            ("o2", "revoke", _NARROW, "contract", "", "p", 7, None, 1, 1, "o3"),
            ("o3", "reinstate", _NARROW, "mistake", "", "p", 9, "o2", 1, 1, None),
        ),
    ),
    (
        "order_target",
        "order device capability confirmed_at",
        (("o1", "d", "*", None), ("o2", "d", "av.record", 8), ("o3", "d", "av.record", None)),
    ),
    (
        "restriction",
        "order device capability kind since lifted_at",
        (("o1", "d", "*", "suspended", 7, None), ("o2", "d", "av.record", "revoked", 7, 9)),
    ),
    ("restoration", "restored_at backup_made_at loss first second", ((8, 1, "some", "p", None),)),
)


_ENTRY = (
    "INSERT INTO log_entry (position, body, leaf, type, time, actor, subject) "
    "VALUES (:position, :body, :leaf, 'test.filled', 1, 'system', 'nothing')"
)


def _entry(body: bytes, position: int | None) -> dict[str, Any]:
    return {"position": position, "body": body, "leaf": leaf_hash(body)}
