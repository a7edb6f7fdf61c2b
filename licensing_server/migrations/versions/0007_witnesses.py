"""Witnesses that are asked to cosign the log, what their quorum has seen, and orders that wait for it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "log_witness",
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("cosigned_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("origin", "key", name=op.f("pk_log_witness")),
    )
    op.create_table(
        "log_quorum",
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["size"], ["log_checkpoint.size"], name=op.f("fk_log_quorum_size_log_checkpoint")),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_quorum")),
    )
    with op.batch_alter_table("order") as batch:
        batch.add_column(sa.Column("witness_entry", _NUMBER, nullable=True))
        batch.add_column(sa.Column("witness_until", sa.BigInteger(), nullable=True))
