"""The first rooms."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "alert_case",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("closed_by", sa.String(length=64), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_case")),
    )
    with op.batch_alter_table("alert_case", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_case_state"), ["state"], unique=False)
        batch_op.create_index("ix_alert_case_subject", ["subject", "kind", "state"], unique=False)

    op.create_table(
        "idempotent_answer",
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "key", name=op.f("pk_idempotent_answer")),
    )
    with op.batch_alter_table("idempotent_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotent_answer_at"), ["at"], unique=False)

    op.create_table(
        "log_cursor",
        sa.Column("reader", sa.String(length=40), nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_log_cursor")),
    )
    op.create_table(
        "log_entry",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_entry")),
        sa.UniqueConstraint("position", name=op.f("uq_log_entry_position")),
    )
    with op.batch_alter_table("log_entry", schema=None) as batch_op:
        batch_op.create_index("ix_log_entry_subject", ["subject", "position"], unique=False)
        batch_op.create_index(batch_op.f("ix_log_entry_type"), ["type"], unique=False)

    op.create_table(
        "party",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party")),
    )
    with op.batch_alter_table("party", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_party_country"), ["country"], unique=False)

    op.create_table(
        "person",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "product",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("vendor_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )
    op.create_table(
        "proviso",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proviso")),
        sa.UniqueConstraint("name", name=op.f("uq_proviso_name")),
    )
    op.create_table(
        "published_root",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_published_root")),
    )
    op.create_table(
        "restoration",
        sa.Column("restored_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("backup_made_at", sa.BigInteger(), nullable=False),
        sa.Column("loss", sa.Text(), nullable=False),
        sa.Column("first", sa.String(length=64), nullable=True),
        sa.Column("second", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("restored_at", name=op.f("pk_restoration")),
    )
    op.create_table(
        "shard",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("uri", sa.String(length=2048), nullable=False),
        sa.Column("next_index", sa.Integer(), nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shard")),
        sa.UniqueConstraint("uri", name=op.f("uq_shard_uri")),
    )
    op.create_table(
        "vendor_capability",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("family", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("misuse", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_capability")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_api_token_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_token_person"), ["person"], unique=False)

    op.create_table(
        "committed_value",
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["entry"], ["log_entry.id"], name=op.f("fk_committed_value_entry_log_entry")),
        sa.PrimaryKeyConstraint("entry", "field", name=op.f("pk_committed_value")),
    )
    op.create_table(
        "enrolment_token",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("end_user", sa.String(length=40), nullable=False),
        sa.Column("authorisation", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("redeemed_at", sa.BigInteger(), nullable=True),
        sa.Column("device", sa.String(length=64), nullable=True),
        sa.Column("enrolment", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_enrolment_token_created_by_person")),
        sa.ForeignKeyConstraint(["end_user"], ["party.id"], name=op.f("fk_enrolment_token_end_user_party")),
        sa.ForeignKeyConstraint(["product"], ["product.id"], name=op.f("fk_enrolment_token_product_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_token")),
    )
    op.create_table(
        "order",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.String(length=40), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("undoes", sa.String(length=40), nullable=True),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("targeted", sa.Integer(), nullable=False),
        sa.Column("lapses_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_by", sa.String(length=64), nullable=True),
        sa.Column("undone_by", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["entry"], ["log_entry.id"], name=op.f("fk_order_entry_log_entry")),
        sa.ForeignKeyConstraint(["undoes"], ["order.id"], name=op.f("fk_order_undoes_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order")),
    )
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_lapses_at"), ["lapses_at"], unique=False)

    op.create_table(
        "person_role",
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_person_role_person_person")),
        sa.PrimaryKeyConstraint("person", "role", name=op.f("pk_person_role")),
    )
    op.create_table(
        "release",
        sa.Column("manifest", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("release", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["product"], ["product.id"], name=op.f("fk_release_product_product")),
        sa.PrimaryKeyConstraint("manifest", name=op.f("pk_release")),
        sa.UniqueConstraint("product", "release", name=op.f("uq_release_product_release")),
    )
    op.create_table(
        "status_change",
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["entry"], ["log_entry.id"], name=op.f("fk_status_change_entry_log_entry")),
        sa.ForeignKeyConstraint(["shard"], ["shard.id"], name=op.f("fk_status_change_shard_shard")),
        sa.PrimaryKeyConstraint("entry", "shard", name=op.f("pk_status_change")),
    )
    with op.batch_alter_table("status_change", schema=None) as batch_op:
        batch_op.create_index("ix_status_change_shard", ["shard", "sequence"], unique=False)

    op.create_table(
        "device",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("key_thumbprint", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("end_user", sa.String(length=40), nullable=False),
        sa.Column("authorisation", sa.String(length=200), nullable=False),
        sa.Column("manifest", sa.String(length=64), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["end_user"], ["party.id"], name=op.f("fk_device_end_user_party")),
        sa.ForeignKeyConstraint(["manifest"], ["release.manifest"], name=op.f("fk_device_manifest_release")),
        sa.ForeignKeyConstraint(["product"], ["product.id"], name=op.f("fk_device_product_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("key_thumbprint", name=op.f("uq_device_key_thumbprint")),
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_end_user"), ["end_user"], unique=False)
        batch_op.create_index(batch_op.f("ix_device_product"), ["product"], unique=False)

    op.create_table(
        "component",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_component_device_device")),
        sa.PrimaryKeyConstraint("device", "name", name=op.f("pk_component")),
    )
    op.create_table(
        "device_plan",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("signed_revision", sa.Integer(), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_device_plan_device_device")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_device_plan")),
    )
    op.create_table(
        "device_tag",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_device_tag_device_device")),
        sa.PrimaryKeyConstraint("device", "tag", name=op.f("pk_device_tag")),
    )
    with op.batch_alter_table("device_tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_tag_tag"), ["tag"], unique=False)

    op.create_table(
        "enrolment_answer",
        sa.Column("enrolment", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("entitlement", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_enrolment_answer_device_device")),
        sa.PrimaryKeyConstraint("enrolment", name=op.f("pk_enrolment_answer")),
    )
    op.create_table(
        "entitlement",
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("manifest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_entitlement_device_device")),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_entitlement")),
        sa.UniqueConstraint("device", "version", name=op.f("uq_entitlement_device_version")),
    )
    op.create_table(
        "evidence",
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("appraisal", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_evidence_device_device")),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_evidence")),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_device", ["device", "received_at"], unique=False)

    op.create_table(
        "fork_proof",
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("first", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_fork_proof_device_device")),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_fork_proof")),
    )
    with op.batch_alter_table("fork_proof", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fork_proof_device"), ["device"], unique=False)

    op.create_table(
        "journal_state",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_journal_state_device_device")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_journal_state")),
    )
    op.create_table(
        "order_target",
        sa.Column("order", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("capability", sa.String(length=100), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_order_target_device_device")),
        sa.ForeignKeyConstraint(["order"], ["order.id"], name=op.f("fk_order_target_order_order")),
        sa.PrimaryKeyConstraint("order", "device", "capability", name=op.f("pk_order_target")),
    )
    with op.batch_alter_table("order_target", schema=None) as batch_op:
        batch_op.create_index("ix_order_target_device", ["device", "confirmed_at"], unique=False)

    op.create_table(
        "ratchet",
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("ratchet", sa.LargeBinary(length=32), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=32), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("used_by", sa.String(length=64), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_ratchet_device_device")),
        sa.PrimaryKeyConstraint("device", "ratchet", name=op.f("pk_ratchet")),
    )
    op.create_table(
        "restriction",
        sa.Column("order", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("capability", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_restriction_device_device")),
        sa.PrimaryKeyConstraint("order", "device", "capability", name=op.f("pk_restriction")),
    )
    with op.batch_alter_table("restriction", schema=None) as batch_op:
        batch_op.create_index("ix_restriction_device", ["device", "lifted_at"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("evidence", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("lower", sa.BigInteger(), nullable=False),
        sa.Column("upper", sa.BigInteger(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_event_device_device")),
        sa.ForeignKeyConstraint(["evidence"], ["evidence.identity"], name=op.f("fk_event_evidence_evidence")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_device_time", ["device", "type", "lower"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_evidence"), ["evidence"], unique=False)

    op.create_table(
        "granted_index",
        sa.Column("uri", sa.String(length=2048), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("entitlement", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("capability", sa.String(length=100), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name=op.f("fk_granted_index_device_device")),
        sa.ForeignKeyConstraint(
            ["entitlement"], ["entitlement.jti"], name=op.f("fk_granted_index_entitlement_entitlement")
        ),
        sa.PrimaryKeyConstraint("uri", "index", name=op.f("pk_granted_index")),
    )
    with op.batch_alter_table("granted_index", schema=None) as batch_op:
        batch_op.create_index("ix_granted_index_device", ["device", "capability", "expires"], unique=False)
