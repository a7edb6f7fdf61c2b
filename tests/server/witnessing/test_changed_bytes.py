"""Whatever byte of the log is changed in the server's database: the auditor's tools find it, and name the place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from licensing_protocol.canonical import encode, to_base64url
from licensing_protocol.log.merkle import stored_at
from licensing_protocol.log.tiles import tiles_of
from licensing_server.config import Settings
from licensing_server.web import Role
from tests.auditing.test_commands import audit
from tests.cli.command_line import Answer
from tests.server.conftest import AT_HAND
from tests.server.exporter import Exporter
from tests.server.log_reader import fill, newest
from tests.server.witnessing.conftest import FIRST, SECOND, ask_all, begin, policy_of, vkey_of
from tests.simulators.published_log import another
from tests.simulators.web import Web
from tests.simulators.witness import answering

SIZE = 300
ENTRY = f"log_entry WHERE position = {SIZE - 1}"
"""The last entry, which commits to a name."""
VALUE = f"committed_value WHERE entry = (SELECT id FROM {ENTRY})"
HEAD = f"log_checkpoint WHERE size = {SIZE}"
COSIGNED = f"log_cosignature WHERE size = {SIZE} AND name LIKE '{FIRST}%'"


def leaf(index: int) -> str:
    return f"log_hash WHERE place = {stored_at(0, index)}"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Exporter, Path]]:
    """A log that two witnesses have cosigned, and the policy of somebody who asks for both."""
    folder = tmp_path_factory.mktemp("seen")
    with answering(folder / "first", FIRST) as first, answering(folder / "second", SECOND) as second:
        (folder / "asked").write_text(policy_of(first, second))
        settings = Settings(data_dir=folder / "data", log_policy=folder / "asked", **AT_HAND)
        exporter = begin(settings, (first, second))
        ask_all(exporter)
        fill(exporter.database, SIZE - 1 - newest(exporter)[1].size)
        exporter.post("/v1/parties", {"name": "Harbour Office", "country": "PT"})
        exporter.settle()
        ask_all(exporter)
        assert newest(exporter)[1].size == SIZE
        policy = folder / "believed"
        policy.write_text(f"log {vkey_of(exporter)}\n{policy_of(first, second)}")
        yield exporter, policy
        exporter.end()


@pytest.mark.parametrize(
    ("column", "row", "at", "code", "place", "index"),
    [
        ("body", "log_entry WHERE position = 7", 20, "audit.entry", "tile/entries/000", 7),
        ("body", ENTRY, -2, "audit.entry", "tile/entries/001.p/44", SIZE - 1),
        ("hash", leaf(7), 0, "audit.tile", "tile/0/000", 7),
        ("hash", leaf(SIZE - 1), 31, "audit.tile", "tile/0/001.p/44", SIZE - 1),
        ("hash", f"log_hash WHERE place = {stored_at(8, 0)}", 5, "audit.tile", "tile/1/000.p/1", 0),
        ("text", HEAD, 0, "checkpoint.origin", "checkpoint", None),
        ("text", HEAD, -20, "note.signature", "checkpoint", None),
        ("signatures", HEAD, -20, "note.signature", "checkpoint", None),
        ("line", COSIGNED, -20, "note.signature", "checkpoint", None),
    ],
    ids=["entry", "last entry", "hash", "last hash", "hash above", "origin", "root", "signature", "cosignature"],
)
def test_a_changed_byte_of_the_log_is_named(
    column: str, row: str, at: int, code: str, place: str, index: int | None, seen: tuple[Exporter, Path]
) -> None:
    log, policy = seen
    assert _audit(log, "verify", "--policy", policy).code == 0
    with _changed(log, column, row, at):
        failure = _audit(log, "verify", "--policy", policy).failure
    assert (failure["code"], failure["place"], failure.get("index")) == (code, place, index)


@pytest.mark.parametrize(
    ("column", "row", "at", "code"),
    [
        ("body", ENTRY, -29, "audit.shown"),
        ("leaf", ENTRY, 0, "audit.shown"),
        ("type", ENTRY, -1, "audit.shown"),
        ("actor", ENTRY, -1, "audit.shown"),
        ("subject", ENTRY, -1, "audit.shown"),
        ("value", VALUE, 1, "commitment.value"),
        ("salt", VALUE, 0, "commitment.value"),
    ],
)
def test_a_changed_byte_beside_the_log_is_named(
    column: str, row: str, at: int, code: str, seen: tuple[Exporter, Path]
) -> None:
    log, _ = seen
    assert _audit(log, "search").code == 0
    with _changed(log, column, row, at):
        failure = _audit(log, "search").failure
    assert (failure["code"], failure["index"]) == (code, SIZE - 1)


def _audit(log: Exporter, command: str, *arguments: str | Path) -> Answer:
    """Run a command of an audit on what the server shows."""
    paths = ["/log/checkpoint", *(f"/log/{tile.path}" for tile in tiles_of(SIZE))]
    shown = {path: log.ask("GET", path, Role.AUDITOR, headers={"Accept-Encoding": "identity"}) for path in paths}
    last = to_base64url(encode([SIZE - 2]))
    shown["/v1/log/entries"] = log.ask("GET", f"/v1/log/entries?cursor={last}", Role.AUDITOR)
    web = Web({path: answer.content for path, answer in shown.items() if answer.status_code == 200})
    with web.serving():
        named = (web.address,) if command == "verify" else ("--server", web.address)
        return audit(command, *named, *arguments, "--json")


@contextmanager
def _changed(log: Exporter, column: str, row: str, at: int) -> Iterator[None]:
    """Change one byte in the database, and change it back."""
    table, _, condition = row.partition(" WHERE ")
    put = text(f"UPDATE {table} SET {column} = :value WHERE {condition}")
    with log.database.write() as session:
        found = session.execute(text(f"SELECT {column} FROM {row}")).scalar_one()
        changed = bytearray(found.encode() if isinstance(found, str) else found)
        changed[at] = another(changed[at])
        session.execute(put, {"value": changed.decode() if isinstance(found, str) else bytes(changed)})
    yield
    with log.database.write() as session:
        session.execute(put, {"value": found})
