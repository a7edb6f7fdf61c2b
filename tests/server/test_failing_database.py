"""A database whose disk is full says so, and goes on when there is room again; one whose file is damaged says that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from licensing_server.database import Database
from licensing_server.problem import Unavailable


def test_a_full_disk_is_told_as_one_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    pages = [8]
    database = Database(f"sqlite:///{tmp_path / 'small.db'}")

    @event.listens_for(database.engine, "checkout")
    def limit(connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages[0]}")

    with database.write() as session:
        session.execute(text("CREATE TABLE kept (value BLOB)"))
    with pytest.raises(Unavailable) as refused, database.write() as session:
        session.execute(text("INSERT INTO kept VALUES (zeroblob(100000))"))
    assert refused.value.code == "database.full"
    assert "free space" in refused.value.detail
    pages[0] = 1000
    with database.write() as session:
        session.execute(text("INSERT INTO kept VALUES (zeroblob(100000))"))
    database.close()


def test_a_damaged_file_is_told_as_one(tmp_path: Path) -> None:
    file = tmp_path / "small.db"
    database = Database(f"sqlite:///{file}")
    with database.write() as session:
        session.execute(text("CREATE TABLE kept (value BLOB)"))
        session.execute(text("INSERT INTO kept VALUES (zeroblob(10000))"))
    database.close()
    whole = file.read_bytes()
    # The first page says what there is; all others are overwritten.
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    for open_transaction in (database.read, database.write):
        with pytest.raises(Unavailable) as refused, open_transaction() as session:
            session.execute(text("SELECT * FROM kept")).all()
        assert refused.value.code == "database.damaged"
        assert "restore a backup" in refused.value.detail
    database.close()
