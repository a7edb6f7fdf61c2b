"""Finds the one ratchet that nobody has used, however many a device has used."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    unused = sa.text("used_by IS NULL")
    op.create_index(
        "ix_ratchet_unused", "ratchet", ["device"], unique=False, sqlite_where=unused, postgresql_where=unused
    )
