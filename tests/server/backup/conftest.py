"""An empty place to restore to, on each database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from licensing_server.config import Settings
from tests.server.backup.places import make, passphrase
from tests.server.exporter import Exporter


@dataclass(frozen=True)
class Written:
    """A backup, the server that it is of, and what opens its keys."""

    archive: Path
    settings: Settings
    passphrase: str


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    """One backup for all tests that only read it."""
    folder = tmp_path_factory.mktemp("backup")
    exporter = Exporter.begin(Settings(data_dir=folder / "data", public_url="https://exporter.example"))
    exporter.token()
    make(exporter, folder / "backup.tar.gz")
    yield Written(folder / "backup.tar.gz", exporter.settings, passphrase(exporter))
    exporter.end()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a data folder that is not there yet, and of a database without tables."""
    folder = tmp_path / "restored"
    if request.param == "sqlite":
        yield Settings(data_dir=folder)
        return
    admin = make_url(request.getfixturevalue("postgres"))
    name = f"empty_{secrets.token_hex(6)}"
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield Settings(data_dir=folder, database_url=admin.set(database=name).render_as_string(hide_password=False))
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
