"""Runs migrations on the connection that :func:`licensing_server.migrations.upgrade` hands over."""

from alembic import context

from licensing_server.migrations.models import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=connection.dialect.name == "sqlite",
    on_version_apply=lambda **_: context.config.attributes["step"](),
)
context.run_migrations()
