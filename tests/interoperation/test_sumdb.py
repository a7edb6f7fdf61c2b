"""Our log and Go's checksum database follow each other: what one signs, serves and proves, the other takes."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from licensing_protocol.errors import InterlockError
from licensing_protocol.log.checkpoint import Checkpoint, verify
from licensing_protocol.log.lines import hash_line, to_base64
from licensing_protocol.log.merkle import consistency_ranges, inclusion_ranges, leaf_hash, root_hash
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey
from licensing_protocol.log.proof import verify_consistency, verify_inclusion
from licensing_server.auditing import Folder, Head, verify_log
from tests.interoperation.sumdb import Sumdb
from tests.simulators.published_log import PublishedLog, entries

SIZE = 600
SIZES = [1, 2, 255, 256, 257, 511, 512, SIZE]
LOG = PublishedLog(entries(SIZE), witnesses=2)
LEAVES = [leaf_hash(entry) for entry in LOG.entries]


@pytest.fixture(scope="module")
def gos(sumdb: Sumdb, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A log that Go made of our entries, and what it said of it."""
    folder = tmp_path_factory.mktemp("gos")
    bodies = [to_base64(entry) for entry in LOG.entries]
    told = sumdb.ask("write", base=str(folder), name="go.example/log", entries=bodies, sizes=SIZES)
    assert told["error"] == ""
    return folder, told


def hashes(lines: list[str]) -> list[bytes]:
    return [hash_line(line, "proof") for line in lines]


def proof(ranges: list[tuple[int, int]]) -> list[str]:
    return [to_base64(root_hash(LEAVES[begin:end])) for begin, end in ranges]


def test_go_follows_our_log_down_to_each_entry_and_proves_all_of_it_to_us(sumdb: Sumdb, tmp_path: Path) -> None:
    folder = LOG.write(tmp_path)
    told = sumdb.ask("follow", base=str(folder), vkey=str(LOG.log.key), sizes=SIZES)
    assert told["error"] == ""
    head = Checkpoint.parse(told["text"])
    assert (head.origin, head.size, head.root) == (LOG.origin, SIZE, LOG.root())
    for index, lines in enumerate(told["inclusion"]):
        verify_inclusion(LEAVES[index], index, SIZE, hashes(lines), head.root)
    for old, lines in zip(SIZES, told["growth"], strict=True):
        verify_consistency(old, LOG.root(old), SIZE, head.root, hashes(lines))


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "checkpoint"])
def test_go_refuses_what_is_not_the_signed_tree(sumdb: Sumdb, tmp_path: Path, path: str) -> None:
    file = LOG.write(tmp_path) / path
    data = bytearray(file.read_bytes())
    # In the checkpoint, a digit of the root.
    data[40] ^= 1
    file.write_bytes(data)
    assert sumdb.ask("follow", base=str(tmp_path), vkey=str(LOG.log.key))["error"]


def test_go_opens_what_we_sign_and_nothing_that_was_changed(sumdb: Sumdb) -> None:
    note = LOG.note()
    asked = {"vkey": str(LOG.log.key), "note": to_base64(note.to_bytes())}
    assert sumdb.ask("open", **asked)["text"] == note.text
    changed = Note(note.text.replace(f"\n{SIZE}\n", "\n601\n"), note.signatures)
    assert "invalid signature" in sumdb.ask("open", **asked | {"note": to_base64(changed.to_bytes())})["error"]
    others = PublishedLog().log.key
    assert "no verifiable" in sumdb.ask("open", **asked | {"vkey": str(others)})["error"]


def test_go_takes_our_proofs_and_no_others(sumdb: Sumdb) -> None:
    head = {"size": SIZE, "root": to_base64(LOG.root())}
    for index in (0, 1, 255, 256, 511, SIZE - 1):
        asked = head | {"index": index, "leaf": to_base64(LEAVES[index]), "proof": proof(inclusion_ranges(index, SIZE))}
        assert sumdb.ask("record", **asked)["error"] == ""
        assert sumdb.ask("record", **asked | {"index": index ^ 1})["error"]
    for old in SIZES:
        asked = head | {"old": old, "oldRoot": to_base64(LOG.root(old)), "proof": proof(consistency_ranges(old, SIZE))}
        assert sumdb.ask("tree", **asked)["error"] == ""
        assert sumdb.ask("tree", **asked | {"oldRoot": to_base64(LEAVES[0]), "old": old + 1})["error"]


def test_we_verify_a_log_that_go_made(gos: tuple[Path, Any]) -> None:
    folder, told = gos
    key = NoteKey.parse(told["vkey"])
    kept = [Head(f"kept/{size}", Note.parse(note.encode())) for size, note in zip(SIZES, told["notes"], strict=True)]
    held = verify_log(Folder(folder), lambda note: verify(note, [key]), heads=kept)
    assert (held.checkpoint.size, held.checkpoint.root) == (SIZE, LOG.root())
    assert held.earlier == len(SIZES)


def test_the_tiles_of_go_s_log_are_byte_for_byte_our_own(gos: tuple[Path, Any]) -> None:
    folder, _ = gos
    for path, data in LOG.files().items():
        if path.startswith("tile/"):
            assert (folder / path).read_bytes() == data, path


def test_we_take_go_s_proofs_of_growth_and_refuse_them_for_other_heads(gos: tuple[Path, Any]) -> None:
    _, told = gos
    roots = [Checkpoint.parse(Note.parse(note.encode()).text).root for note in told["notes"]]
    for old, root, lines in zip(SIZES, roots, told["growth"], strict=True):
        verify_consistency(old, root, SIZE, roots[-1], hashes(lines))
    for (old, _), (_, wrong) in itertools.pairwise(zip(SIZES, roots, strict=True)):
        with pytest.raises(InterlockError):
            verify_consistency(old, wrong, SIZE, roots[-1], hashes(told["growth"][SIZES.index(old)]))
