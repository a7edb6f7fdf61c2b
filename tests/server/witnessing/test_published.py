"""A head is shown, by the server and in a folder, once its witnesses have seen it, or are away for long."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select, update

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_server.audit_log.tables import LogCheckpoint
from licensing_server.publishing import publish
from licensing_server.web import Role
from tests.server.exporter import Exporter
from tests.server.witnessing.conftest import Both, ask_all, shown_by
from tests.server.witnessing.test_rounds import act


def shown(exporter: Exporter, folder: Path) -> tuple[int, int]:
    """Publish, and return the size of the head that lies there and is the server's, and how many have signed it."""
    with exporter.database.read() as session:
        publish(session, folder, with_log=True)
    published = (folder / "log" / "checkpoint").read_bytes()
    assert shown_by(exporter).to_bytes() == published
    note = Note.parse(published)
    return Checkpoint.parse(note.text).size, len(note.signatures)


def newest_size(exporter: Exporter) -> int:
    with exporter.database.read() as session:
        return session.scalars(select(func.max(LogCheckpoint.size))).one()


def grow_old(exporter: Exporter) -> None:
    """Let every head have waited for long."""
    with exporter.database.write() as session:
        session.execute(update(LogCheckpoint).where(LogCheckpoint.unseen_until.is_not(None)).values(unseen_until=1))


def test_a_log_that_nobody_has_seen_yet_shows_nothing(sqlite_exporter: Exporter, witnesses: Both) -> None:
    exporter = sqlite_exporter
    answer = exporter.ask("GET", "/log/checkpoint", Role.AUDITOR)
    assert (answer.status_code, answer.json()["code"]) == (503, "log.no_checkpoint")
    ask_all(exporter)
    assert len(shown_by(exporter).signatures) == 3


def test_the_newest_head_that_the_quorum_has_seen_is_shown(exporter: Exporter, witnesses: Both, tmp_path: Path) -> None:
    ask_all(exporter)
    first = newest_size(exporter)
    assert shown(exporter, tmp_path) == (first, 3)
    act(exporter)
    assert newest_size(exporter) > first
    assert shown(exporter, tmp_path) == (first, 3)
    proof = exporter.ask("GET", f"/v1/log/entries/{first - 1}/proof", Role.AUDITOR)
    assert Checkpoint.parse(TlogProof.parse(proof.content).note.text).size == first
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
    # Nobody has seen the next one yet.
    act(exporter)
    assert newest_size(exporter) > late
    assert shown(exporter, tmp_path) == (late, 1)
    ask_all(exporter)
    assert shown(exporter, tmp_path) == (newest_size(exporter), 3)
