"""The log as a tree: everything that was acknowledged is in it once, and every head leads to every later one."""

from __future__ import annotations

import gzip
import itertools
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from licensing_protocol.canonical import from_base64url
from licensing_protocol.log.checkpoint import Checkpoint, verify
from licensing_protocol.log.merkle import leaf_hash, root_hash
from licensing_protocol.log.note_key import NoteKey
from licensing_protocol.log.proof import verify_inclusion
from licensing_protocol.log.tiles import WIDTH, Tile, tiles_of, unbundle
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_server import audit_log, clock
from licensing_server.audit_log.origins import newest as newest_log
from licensing_server.audit_log.sequence import integrate
from licensing_server.database import Database
from licensing_server.problem import Conflict, NotFound
from licensing_server.web import Role
from tests.server.exporter import Exporter
from tests.server.log_reader import (
    believing,
    fill,
    grow,
    heads,
    leaves_shown,
    log_key,
    newest,
    refuse_gaps,
    refuse_inconsistent,
)


def test_a_checkpoint_covers_what_was_done_and_is_signed_by_the_logs_key(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.check_in(device)
    note, head = newest(exporter)
    key = NoteKey.parse(exporter.ask("GET", "/v1/log/key", Role.AUDITOR).text.strip())
    assert verify(note, [key]) == head
    assert key == log_key(exporter, head.origin)
    assert head.origin == exporter.settings.origin == "exporter.example/log"
    entries = exporter.all("/v1/log/entries", Role.AUDITOR)
    assert head.size == len(entries)
    assert head.root == root_hash(leaves_shown(entries))


def test_a_receipt_names_a_leaf_of_the_log(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.check_in(device)
    assert device.receipt is not None
    _, head = newest(exporter)
    leaves = leaves_shown(exporter.all("/v1/log/entries", Role.AUDITOR))
    assert device.receipt.origin == head.origin
    assert leaves.count(device.receipt.leaf) == 1


def test_every_entry_is_proven_and_every_head_leads_to_every_later_one(exporter: Exporter) -> None:
    grow(exporter, (1, 1, 2, 5, 1, 17, 3, 8))
    signed = heads(exporter)
    assert len(signed) > 7
    assert [head.size for head in signed] == sorted({head.size for head in signed})
    for old, new in itertools.combinations(signed, 2):
        refuse_inconsistent(exporter, old, new)
    for entry in exporter.all("/v1/log/entries", Role.AUDITOR):
        answer = exporter.ask("GET", f"/v1/log/entries/{entry['index']}/proof", Role.AUDITOR)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        carried = TlogProof.parse(answer.content)
        assert carried.index == entry["index"]
        assert carried.verify(from_base64url(entry["body"]), believing(exporter)) == signed[-1]
    earlier = exporter.ask("GET", f"/v1/log/entries/0/proof?size={signed[0].size}", Role.AUDITOR)
    assert Checkpoint.parse(TlogProof.parse(earlier.content).note.text) == signed[0]


def test_every_tile_is_served_as_its_specification_says(exporter: Exporter) -> None:
    fill(exporter.database, 600)
    exporter.settle()
    _, head = newest(exporter)
    leaves: list[bytes] = []
    for tile in tiles_of(head.size):
        answer = exporter.ask("GET", f"/log/{tile.path}", Role.AUDITOR, headers={"Accept-Encoding": "identity"})
        assert answer.status_code == 200, tile
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        if tile.level is None:
            bodies = unbundle(answer.content, tile.width)
            leaves += map(leaf_hash, bodies)
            assert "content-encoding" not in answer.headers
        elif tile.level == 0:
            assert answer.content == b"".join(leaves[tile.first : tile.first + tile.width])
        else:
            below = [root_hash(leaves[first : first + WIDTH]) for first in range(0, len(leaves), WIDTH)]
            assert answer.content == b"".join(below[tile.first : tile.first + tile.width])
    assert root_hash(leaves) == head.root


def test_entries_are_compressed_for_who_takes_it(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.settle()
    _, head = newest(exporter)
    path = f"/log/{Tile(None, 0, head.size).path}"
    plain = exporter.ask("GET", path, Role.AUDITOR, headers={"Accept-Encoding": "identity"})
    packed = exporter.client.build_request("GET", path)
    packed.headers |= {"Authorization": f"Bearer {exporter.tokens[Role.AUDITOR]}", "Accept-Encoding": "gzip"}
    answer = exporter.client.send(packed, stream=True)
    raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 2


@pytest.mark.parametrize(
    "path",
    ["0/001", "entries/001", "1/000", "0/000", "0/000.p/255", "0/0", "64/000", "entries/000.p/256"],
)
def test_a_tile_that_no_checkpoint_covers_is_not_there(sqlite_exporter: Exporter, path: str) -> None:
    sqlite_exporter.settle()
    answer = sqlite_exporter.ask("GET", f"/log/tile/{path}", Role.AUDITOR)
    assert (answer.status_code, answer.json()["code"]) == (404, "tile.unknown")


def test_what_is_queued_is_proven_only_when_a_checkpoint_covers_it(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.settle()
    _, head = newest(exporter)
    exporter.post("/v1/parties", {"name": "Parks", "country": "FR"})
    exporter.app.state.database.change(lambda session: audit_log.sequence(session, clock.now()))
    refused = exporter.ask("GET", f"/v1/log/entries/{head.size}/proof", Role.AUDITOR)
    assert (refused.status_code, refused.json()["code"]) == (404, "proof.none")
    beyond = exporter.ask("GET", f"/v1/log/consistency?size={head.size + 1}", Role.AUDITOR)
    assert (beyond.status_code, beyond.json()["code"]) == (404, "log.too_small")
    assert newest(exporter)[1] == head
    exporter.settle()
    assert exporter.ask("GET", f"/v1/log/entries/{head.size}/proof", Role.AUDITOR).status_code == 200


def test_the_log_is_open_to_everybody_where_the_setting_says_so(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.settle()
    for path in ("/log/checkpoint", "/log/tile/0/000.p/1", "/log/tile/nonsense"):
        assert exporter.ask("GET", path, None).json()["code"] == "token.missing"
        assert exporter.ask("GET", path, Role.VENDOR).json()["code"] == "role.missing"
    exporter.app.state.settings = exporter.settings.model_copy(update={"log_public": True})
    assert exporter.ask("GET", "/log/checkpoint", None).status_code == 200
    tile = exporter.ask("GET", "/log/tile/0/000.p/1", None)
    assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert exporter.ask("GET", "/v1/log/entries", None).status_code == 401


def test_of_two_sequencers_at_once_one_wins_and_the_other_leaves_nothing(database_url: str, exporter: Exporter) -> None:
    exporter.settle()
    size = len(refuse_gaps(exporter.database))
    both = threading.Barrier(2)
    outcomes: list[str] = []

    def run() -> None:
        database = Database(database_url)
        both.wait()
        try:
            # Without the lock that the job takes: the size alone must keep them apart.
            with database.write() as session:
                audit_log.sequence(session, clock.now())
            outcomes.append("done")
        except Conflict as conflict:
            outcomes.append(conflict.code)
        database.close()

    for _ in range(4):
        fill(exporter.database, 50)
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(outcomes) <= {"done", "log.raced", "state.conflict"}
    assert outcomes.count("done") >= 4
    exporter.settle()
    _, head = newest(exporter)
    assert head.size == size + 200
    refuse_gaps(exporter.database)


def test_a_sequencer_whose_size_is_old_takes_no_index(postgres_url: str) -> None:
    # On SQLite nobody else writes between reading the size and swapping it.
    first, second = Database(postgres_url), Database(postgres_url)
    first.change(lambda session: audit_log.begin(session, "exporter.example/log", 1))

    def overtaken(session: Session) -> None:
        log = newest_log(session)
        second.change(lambda other: audit_log.sequence(other, 1))
        fill(second, 5)
        integrate(session, log.number, log.size)

    with pytest.raises(Conflict) as refused:
        first.change(overtaken)
    assert refused.value.code == "log.raced"
    assert len(refuse_gaps(second)) == len(("log.begun",))
    second.change(lambda other: audit_log.sequence(other, 1))
    assert len(refuse_gaps(second)) == len(("log.begun",)) + 5
    first.close()
    second.close()


def test_a_head_is_kept_outside_the_database_before_it_is_shown(exporter: Exporter) -> None:
    exporter.settle()
    note, _ = newest(exporter)
    assert (exporter.settings.data_dir / "log.head").read_bytes() == note.to_bytes()
    # As if the process had ended between the two: the file is ahead, and the tree leads to it.
    with exporter.database.write() as session:
        session.execute(text("DELETE FROM log_checkpoint WHERE size = (SELECT max(size) FROM log_checkpoint)"))
    exporter.post("/v1/parties", {"name": "Parks", "country": "FR"})
    exporter.settle()
    assert newest(exporter)[1].size > Checkpoint.parse(note.text).size
    assert exporter.get("/readyz", None)["signs_checkpoints"] is True


def test_a_tree_that_no_longer_begins_with_what_was_signed_gets_no_checkpoint(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    exporter.settle()
    _, head = newest(exporter)
    (exporter.settings.data_dir / "log.head").unlink()
    with exporter.database.write() as session:
        session.execute(text("UPDATE log_checkpoint SET root = zeroblob(32) WHERE size = :size"), {"size": head.size})
    exporter.post("/v1/parties", {"name": "Parks", "country": "FR"})
    exporter.app.state.runner.run_once(clock.now())
    assert exporter.app.state.runner.failures == {"log-checkpoints": "Conflict"}
    assert exporter.ask("GET", "/readyz", None).json()["failing_jobs"] == ["log-checkpoints"]
    assert newest(exporter)[1] == head


def test_a_proof_of_what_the_tree_does_not_have_is_refused(sqlite_exporter: Exporter) -> None:
    sqlite_exporter.settle()
    with sqlite_exporter.database.read() as session:
        size = audit_log.size(session)
        asks: tuple[Callable[[], object], ...] = (
            lambda: audit_log.prove(session, size, size),
            lambda: audit_log.prove(session, 0, size + 1),
            lambda: audit_log.prove_growth(session, size, size - 1),
            lambda: audit_log.prove_growth(session, 1, size + 64),
            lambda: audit_log.tile(session, Tile(0, 0, size + 1)),
            lambda: audit_log.tile(session, Tile(None, 0, size + 1)),
            lambda: audit_log.root(session, size + 1),
        )
        for ask in asks:
            with pytest.raises(NotFound) as refused:
                ask()
            assert refused.value.code == "log.too_small"
        first = audit_log.tile(session, Tile(0, 0, 1))
        verify_inclusion(first, 0, size, audit_log.prove(session, 0, size), audit_log.root(session, size))
