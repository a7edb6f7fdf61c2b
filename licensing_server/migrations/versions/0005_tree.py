"""The tree over the entries of the log, its signed heads, and numbers without an end."""

import sqlalchemy as sa
from alembic import op

from licensing_protocol.log.merkle import Frontier

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BATCH = 5_000
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NUMBERS = (
    ("log_entry", "id", False),
    ("log_entry", "position", True),
    ("committed_value", "entry", False),
    ("order", "entry", True),
    ("status_change", "entry", False),
)


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name != "sqlite":
        for table, column, nullable in _NUMBERS:
            op.alter_column(table, column, type_=sa.BigInteger(), existing_nullable=nullable)
        op.execute("ALTER SEQUENCE log_entry_id_seq AS bigint")
    op.create_index("ix_log_entry_actor", "log_entry", ["actor", "position"], unique=False)
    op.create_index("ix_log_entry_time", "log_entry", ["time"], unique=False)
    queued = sa.text("position IS NULL")
    op.create_index(
        "ix_log_entry_queued", "log_entry", ["id"], unique=False, sqlite_where=queued, postgresql_where=queued
    )
    _tables()
    _hashes()


def _tables() -> None:
    op.create_table(
        "log_hash",
        sa.Column("place", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_log_hash")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log",
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("first", _NUMBER, nullable=False),
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_log")),
        sa.UniqueConstraint("origin", name=op.f("uq_log_origin")),
    )
    op.create_table(
        "log_checkpoint",
        sa.Column("size", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("log", _NUMBER, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("signatures", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["log"], ["log.number"], name=op.f("fk_log_checkpoint_log_log")),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoint")),
    )
    op.create_table(
        "log_cosignature",
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["size"], ["log_checkpoint.size"], name=op.f("fk_log_cosignature_size_log_checkpoint")),
        sa.PrimaryKeyConstraint("size", "name", name=op.f("pk_log_cosignature")),
    )


def _hashes() -> None:
    """Put the entries that have an index into the tree."""
    connection = op.get_bind()
    entry = sa.table("log_entry", sa.column("position"), sa.column("leaf"))
    kept = sa.table("log_hash", sa.column("place"), sa.column("hash"))
    frontier, place = Frontier(), 0
    while True:
        # In pieces by the index, for a cursor that stays open would see the database change under it.
        piece = sa.select(entry.c.leaf).where(entry.c.position >= frontier.size).order_by(entry.c.position)
        leaves = connection.scalars(piece.limit(_BATCH)).all()
        if not leaves:
            return
        hashes = frontier.grow(leaves)
        connection.execute(sa.insert(kept), [{"place": place + at, "hash": found} for at, found in enumerate(hashes)])
        place += len(hashes)
