"""The anchors of quotas outlive the plans that name them."""

from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from licensing_protocol.canonical import decode_object, from_base64url

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BATCH = 50


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "quota_anchor",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("quota", sa.String(length=100), nullable=False),
        sa.Column("anchor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_quota_anchor_device_device")),
        sa.PrimaryKeyConstraint("device", "quota", name=op.f("pk_quota_anchor")),
    )
    _keep_what_was_signed()


def _keep_what_was_signed() -> None:
    """Keep, for each quota that a device was ever given, the anchor that it counts from now: the newest one."""
    connection = op.get_bind()
    device = sa.table("device", sa.column("id"))
    signed = sa.table("entitlement", sa.column("device"), sa.column("version"), sa.column("text"))
    kept = sa.table("quota_anchor", sa.column("device"), sa.column("quota"), sa.column("anchor"))
    after = ""
    while True:
        # In pieces by the key, for a cursor that stays open would see the database change under it.
        piece = sa.select(device.c.id).where(device.c.id > after).order_by(device.c.id).limit(_BATCH)
        devices = connection.scalars(piece).all()
        if not devices:
            return
        after = devices[-1]
        versions = sa.select(signed.c.device, signed.c.text).where(signed.c.device.in_(devices))
        rows = connection.execute(versions.order_by(signed.c.device, signed.c.version)).all()
        found = [
            {"device": name, "quota": quota, "anchor": anchor}
            for name, each in groupby(rows, key=lambda row: row.device)
            for quota, anchor in _anchors(row.text for row in each).items()
        ]
        if found:
            connection.execute(sa.insert(kept), found)


def _anchors(texts: Any) -> dict[str, int]:
    grants = (grant for text in texts for grant in decode_object(from_base64url(text.split(".")[1]))["grants"].values())
    quotas = (grant["limits"]["quota"] for grant in grants if "quota" in grant["limits"])
    return {quota["id"]: quota["anchor"] for quota in quotas}
