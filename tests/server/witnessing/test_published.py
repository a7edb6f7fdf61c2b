"""A folder shows a head that its witnesses have seen, as long as they are not away for long."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select, update

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_server.audit_log.tables import LogCheckpoint
from licensing_server.publishing import publish
from tests.server.exporter import Exporter
from tests.server.witnessing.conftest import Both, ask_all
from tests.server.witnessing.test_rounds import act


def shown(exporter: Exporter, folder: Path) -> tuple[int, int]:
    """Publish, and return the size of the head that lies there, and how many have signed it."""
    with exporter.database.read() as session:
        publish(session, folder, with_log=True)
    note = Note.parse((folder / "log" / "checkpoint").read_bytes())
    return Checkpoint.parse(note.text).size, len(note.signatures)


def newest_size(exporter: Exporter) -> int:
    with exporter.database.read() as session:
        return session.scalars(select(func.max(LogCheckpoint.size))).one()


def grow_old(exporter: Exporter) -> None:
    """Let every head have been signed a minute ago and more."""
    with exporter.database.write() as session:
        session.execute(update(LogCheckpoint).values(time=1))


def test_the_newest_head_that_the_quorum_has_seen_is_shown(
    sqlite_exporter: Exporter, witnesses: Both, tmp_path: Path
) -> None:
    exporter = sqlite_exporter
    ask_all(exporter)
    first = newest_size(exporter)
    assert shown(exporter, tmp_path) == (first, 3)
    act(exporter)
    assert newest_size(exporter) > first
    assert shown(exporter, tmp_path) == (first, 3)
    ask_all(exporter)
    assert shown(exporter, tmp_path) == (newest_size(exporter), 3)


def test_witnesses_that_are_away_only_delay_and_nobody_is_shown_less_than_before(
    sqlite_exporter: Exporter, witnesses: Both, tmp_path: Path
) -> None:
    exporter = sqlite_exporter
    ask_all(exporter)
    act(exporter)
    grow_old(exporter)
    late = newest_size(exporter)
    assert shown(exporter, tmp_path) == (late, 1)
    # Heads are new again, and what the quorum has seen is less than what was shown.
    with exporter.database.write() as session:
        session.execute(update(LogCheckpoint).values(time=2**40))
    assert shown(exporter, tmp_path) == (late, 1)
    ask_all(exporter)
    assert shown(exporter, tmp_path) == (late, 3)
