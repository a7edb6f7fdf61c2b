"""Heads that are shown once their witnesses have seen them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("log_checkpoint", sa.Column("unseen_until", sa.BigInteger(), nullable=True))
