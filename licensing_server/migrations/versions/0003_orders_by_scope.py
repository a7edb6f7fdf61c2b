"""Orders by scope, four eyes, appeals."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from licensing_protocol.canonical import decode

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BATCH = 1_000


def upgrade() -> None:
    """Apply."""
    _people()
    _four_eyes()
    _plans()
    _orders()
    _targets()
    _restrictions()
    op.create_table(
        "appeal",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("order", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.String(length=64), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_appeal_device_device")),
        sa.ForeignKeyConstraint(["order"], ["order.id"], name=op.f("fk_appeal_order_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
    )
    op.create_index(op.f("ix_appeal_order"), "appeal", ["order"], unique=False)


def _people() -> None:
    op.add_column("person", sa.Column("created_by", sa.String(length=40), nullable=True))
    op.add_column("person_role", sa.Column("given_at", sa.BigInteger(), nullable=True))
    op.add_column("person_role", sa.Column("given_by", sa.String(length=40), nullable=True))
    op.execute("UPDATE person_role SET given_at = (SELECT created_at FROM person WHERE person.id = person_role.person)")
    op.add_column("api_token", sa.Column("vouched_by", sa.String(length=40), nullable=True))
    op.add_column("api_token", sa.Column("vouched_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE api_token SET vouched_at = created_at")
    _require("person_role", "given_at", sa.BigInteger())
    _require("api_token", "vouched_at", sa.BigInteger())


def _four_eyes() -> None:
    op.create_table(
        "four_eyes",
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("first", sa.String(length=64), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("second", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_four_eyes")),
    )
    op.execute(
        'INSERT INTO four_eyes (subject, "first", begun_at, "second", decided_at) '
        'SELECT \'restoration:\' || CAST(restored_at AS VARCHAR), "first", restored_at, "second", '
        'CASE WHEN "second" IS NULL THEN NULL ELSE restored_at END FROM restoration WHERE "first" IS NOT NULL'
    )
    with op.batch_alter_table("restoration", schema=None) as batch_op:
        batch_op.drop_column("first")
        batch_op.drop_column("second")


def _plans() -> None:
    op.create_table(
        "plan_grant",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("capability", sa.String(length=100), nullable=False),
        sa.Column("max_offline", sa.BigInteger(), nullable=False),
        sa.Column("max_silent", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_plan_grant_device_device")),
        sa.PrimaryKeyConstraint("device", "capability", name=op.f("pk_plan_grant")),
    )
    op.create_index("ix_plan_grant_capability", "plan_grant", ["capability"], unique=False)
    op.create_table(
        "plan_proviso",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("capability", sa.String(length=100), nullable=False),
        sa.Column("proviso", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_plan_proviso_device_device")),
        sa.ForeignKeyConstraint(["proviso"], ["proviso.id"], name=op.f("fk_plan_proviso_proviso_proviso")),
        sa.PrimaryKeyConstraint("device", "capability", "proviso", name=op.f("pk_plan_proviso")),
    )
    op.create_index("ix_plan_proviso_proviso", "plan_proviso", ["proviso"], unique=False)
    connection = op.get_bind()
    plan_grant = sa.table("plan_grant", *map(sa.column, ("device", "capability", "max_offline", "max_silent")))
    plans = connection.execute(sa.text("SELECT device, plan FROM device_plan ORDER BY device"))
    # The plans of before do not say which provisos they were made with.
    while found := plans.fetchmany(_BATCH):
        rows = [
            {"device": device, "capability": capability}
            | {name: grant["freshness"][name] for name in ("max_offline", "max_silent")}
            for device, plan in found
            for capability, grant in decode(plan.encode("utf-8"))["grants"].items()
        ]
        if rows:
            connection.execute(sa.insert(plan_grant), rows)
    op.add_column("entitlement", sa.Column("entry", sa.BigInteger(), server_default="0", nullable=False))


def _orders() -> None:
    for column in (
        sa.Column("terms", sa.Text(), nullable=True),
        sa.Column("effective_at", sa.BigInteger(), nullable=True),
        sa.Column("emergency", sa.Boolean(), nullable=True),
        sa.Column("devices", sa.Integer(), nullable=True),
        sa.Column("grants", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=True),
        sa.Column("confirm_by", sa.BigInteger(), nullable=True),
        sa.Column("in_force_at", sa.BigInteger(), nullable=True),
    ):
        op.add_column("order", column)
    op.execute(
        'UPDATE "order" SET effective_at = placed_at, in_force_at = placed_at, emergency = FALSE, '
        "devices = targeted, grants = targeted, "
        "scope = replace(scope, '\"capability\"\\:null,', ''), "
        "state = CASE WHEN undone_by IS NULL THEN 'in_force' ELSE 'undone' END"
    )
    for name, kind in (
        ("effective_at", sa.BigInteger()),
        ("emergency", sa.Boolean()),
        ("devices", sa.Integer()),
        ("grants", sa.Integer()),
        ("state", sa.String(length=12)),
    ):
        _require("order", name, kind)
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.alter_column("entry", existing_type=sa.Integer(), nullable=True)
        batch_op.create_index("ix_order_state", ["state", "kind"], unique=False)


def _targets() -> None:
    op.drop_index("ix_order_target_device", table_name="order_target")
    op.rename_table("order_target", "order_target_before")
    op.create_table(
        "order_target",
        sa.Column("order", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("capability", sa.String(length=100), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("order", "device", "capability", name=op.f(_free("pk_order_target"))),
        sqlite_with_rowid=False,
    )
    op.execute(
        'INSERT INTO order_target ("order", device, capability, known_at) '
        'SELECT "order", device, capability, confirmed_at FROM order_target_before'
    )
    op.drop_table("order_target_before")
    _name_again("order_target")
    op.create_index("ix_order_target_device", "order_target", ["device", "known_at"], unique=False)


def _restrictions() -> None:
    op.drop_index("ix_restriction_device", table_name="restriction")
    op.rename_table("restriction", "restriction_before")
    op.create_table(
        "restriction",
        sa.Column("order", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("wide", sa.Boolean(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("order", name=op.f(_free("pk_restriction"))),
    )
    op.execute(
        'INSERT INTO restriction ("order", kind, scope, wide, since, lifted_at) '
        'SELECT "order", min(kind), (SELECT scope FROM "order" WHERE "order".id = restriction_before."order"), '
        'FALSE, min(since), min(lifted_at) FROM restriction_before GROUP BY "order"'
    )
    op.drop_table("restriction_before")
    _name_again("restriction")
    op.create_index("ix_restriction_wide", "restriction", ["wide", "lifted_at"], unique=False)


def _require(table: str, column: str, kind: sa.types.TypeEngine[Any]) -> None:
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.alter_column(column, existing_type=kind, nullable=False)


def _free(name: str) -> str:
    # PostgreSQL keeps the name of the renamed table's key until that table is gone.
    return name if op.get_bind().dialect.name == "sqlite" else f"{name}_new"


def _name_again(table: str) -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.execute(f'ALTER TABLE "{table}" RENAME CONSTRAINT "pk_{table}_new" TO "pk_{table}"')
