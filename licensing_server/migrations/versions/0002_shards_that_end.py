"""Shards know until when they are needed, and are retired."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("shard") as batch_op:
        batch_op.add_column(sa.Column("needed_until", sa.BigInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("retired_at", sa.BigInteger(), nullable=True))
    latest = "(SELECT max(granted_index.expires) FROM granted_index WHERE granted_index.uri = shard.uri)"
    op.execute(f"UPDATE shard SET needed_until = coalesce({latest}, 0)")
    with op.batch_alter_table("shard") as batch_op:
        batch_op.alter_column("needed_until", server_default=None)
