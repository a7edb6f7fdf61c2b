"""Connections that the database closed while nobody used them."""

from __future__ import annotations

import select
from pathlib import Path

from sqlalchemy import text

from licensing_server.config import Settings
from tests.server.conftest import AT_HAND
from tests.server.exporter import Exporter

_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def test_nobody_notices_that_the_database_closed_idle_connections(postgres_url: str, tmp_path: Path) -> None:
    exporter = Exporter.begin(Settings(data_dir=tmp_path / "data", database_url=postgres_url, **AT_HAND))
    try:
        device = exporter.device()
        with exporter.database.engine.connect() as idle, exporter.database.engine.connect() as other:
            idle.rollback()
            socket = idle.connection.fileno()
            other.execute(text(_END_OTHERS))
            assert select.select([socket], [], [], 30)[0]
        for _ in range(3):
            assert "receipt" in exporter.check_in(device)
    finally:
        exporter.end()
