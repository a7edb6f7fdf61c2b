"""A log is verified: whatever was done to it is found, and named with its file and its first entry."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.errors import InterlockError
from licensing_protocol.log import merkle, tiles
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_protocol.log.policy import Policy
from licensing_server.auditing import Discrepancy, Folder, Head, SourceUnreachable, verify_log
from tests.simulators.published_log import Files, PublishedLog, entries, entry

SIZE = 700
LOG = PublishedLog(entries(SIZE))
FILES = LOG.files()
SMALL = PublishedLog(entries(5))
LARGE = PublishedLog([b"%d" % number for number in range(256 * 256 + 300)])


def refused(files: Files, *heads: Head, log: PublishedLog = LOG) -> tuple[str, str, int | None]:
    with pytest.raises(Discrepancy) as caught:
        verify_log(files, log.policy.verify, heads=heads)
    assert str(caught.value).endswith(".")
    return caught.value.code, caught.value.place, caught.value.index


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, SIZE])
def test_a_log_of_any_size_holds_with_every_earlier_checkpoint(size: int) -> None:
    heads = [Head(f"kept/{old}", LOG.note(old)) for old in {0, 1, size // 3, size} if old <= size]
    told: list[tuple[int, int]] = []

    def report(done: int, of: int) -> None:
        told.append((done, of))

    verified = verify_log(Files(LOG.files(size)), LOG.policy.verify, heads=heads, told=report)
    assert (verified.checkpoint.size, verified.checkpoint.root) == (size, LOG.root(size))
    assert verified.earlier == len(heads)
    assert told[-1:] == ([(size, size)] if size else [])


def test_a_log_with_three_levels_of_tiles_holds() -> None:
    files = Files(LARGE.files())
    assert "tile/2/000.p/1" in files.files
    assert verify_log(files, LARGE.policy.verify).checkpoint.size == len(LARGE.entries)
    files.change("tile/2/000.p/1", 3)
    assert refused(files, log=LARGE) == ("audit.tile", "tile/2/000.p/1", 0)


def test_a_partial_tile_may_be_gone_once_the_full_one_is_there() -> None:
    files = LOG.files(300)
    wider = LOG.files(512)
    del files["tile/0/001.p/44"], files["tile/entries/001.p/44"]
    files |= {path: wider[path] for path in ("tile/0/001", "tile/entries/001")}
    assert verify_log(Files(files), LOG.policy.verify).checkpoint.size == 300


def test_a_folder_is_read_and_what_is_no_folder_is_no_answer(tmp_path: Path) -> None:
    assert verify_log(Folder(LOG.write(tmp_path)), LOG.policy.verify).checkpoint.size == SIZE
    with pytest.raises(SourceUnreachable):
        Folder(tmp_path / "checkpoint")
    (tmp_path / "tile/0/000").unlink()
    (tmp_path / "tile/0/000").mkdir()
    with pytest.raises(SourceUnreachable):
        verify_log(Folder(tmp_path), LOG.policy.verify)


def _place_of(number: int) -> int:
    """Where an entry's length begins in its tile."""
    before = FILES[tiles.Tile(None, number // 256).path]
    at = 0
    for _ in range(number % 256):
        at += 2 + int.from_bytes(before[at : at + 2], "big")
    return at


def _checkpoint(change: Callable[[bytes], bytes]) -> Files:
    return Files(FILES | {"checkpoint": change(FILES["checkpoint"])})


@pytest.mark.parametrize(
    ("path", "at", "code", "place", "index"),
    [
        ("tile/entries/001", _place_of(300) + 9, "audit.entry", "tile/entries/001", 300),
        ("tile/entries/001", _place_of(300) + 1, "audit.entry_length", "tile/entries/001", 300),
        ("tile/entries/001", _place_of(300), "audit.entry_length", "tile/entries/001", 300),
        ("tile/entries/002.p/188", -1, "audit.entry", "tile/entries/002.p/188", 699),
        ("tile/0/001", 32 * 44 + 5, "audit.tile", "tile/0/001", 300),
        ("tile/0/002.p/188", -1, "audit.tile", "tile/0/002.p/188", 699),
        ("tile/1/000.p/2", 33, "audit.tile", "tile/1/000.p/2", 256),
    ],
    ids=["entry", "length", "length's first byte", "last entry", "hash", "last hash", "hash above"],
)
def test_a_flipped_byte_is_found_and_named(path: str, at: int, code: str, place: str, index: int) -> None:
    files = Files(FILES)
    files.change(path, at)
    assert refused(files) == (code, place, index)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (0, "checkpoint.origin"),
        (1, "note.signature"),
        (2, "note.signature"),
        (4, "note.signature"),
        (5, "note.signature"),
    ],
    ids=["origin", "size", "root", "signature", "cosignature"],
)
def test_each_line_of_the_checkpoint_is_under_a_signature(line: int, code: str) -> None:
    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        spot = lines[line].rindex(b" ") + 40 if line > 3 else 0
        old = lines[line][spot : spot + 1]
        lines[line] = lines[line][:spot] + (b"7" if old != b"7" else b"8") + lines[line][spot + 1 :]
        return b"\n".join(lines)

    assert refused(_checkpoint(change)) == (code, "checkpoint", None)


def test_a_checkpoint_that_too_few_witnesses_saw_is_refused() -> None:
    alone = Note(LOG.note().text, LOG.note().signatures[:1])
    files = Files(FILES | {"checkpoint": alone.to_bytes()})
    assert refused(files) == ("policy.quorum", "checkpoint", None)


def test_a_policy_that_was_changed_believes_others() -> None:
    stranger = Policy.parse(PublishedLog(origin=LOG.origin).policy_text.encode())
    with pytest.raises(Discrepancy) as caught:
        verify_log(Files(FILES), stranger.verify)
    assert caught.value.code == "note.unsigned"


@pytest.mark.parametrize(
    ("path", "index"),
    [("checkpoint", None), ("tile/entries/001", 256), ("tile/0/002.p/188", 512), ("tile/1/000.p/2", 0)],
)
def test_a_file_that_is_missing_is_named(path: str, index: int | None) -> None:
    assert refused(Files({name: data for name, data in FILES.items() if name != path})) == (
        "audit.missing",
        path,
        index,
    )


@pytest.mark.parametrize(
    ("path", "code", "index"),
    [
        ("tile/entries/002.p/188", "audit.entry_length", 699),
        ("tile/0/001", "audit.tile_length", 256),
        ("checkpoint", "note.malformed", None),
    ],
)
@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\x00"], ids=["cut", "added"])
def test_a_file_that_was_cut_off_or_added_to_is_named(
    path: str, code: str, index: int | None, change: Callable[[bytes], bytes]
) -> None:
    if path == "checkpoint" and change(b"") == b"\x00":
        code = "note.encoding"
    assert refused(Files(FILES | {path: change(FILES[path])})) == (code, path, index)


def test_entries_that_changed_places_are_named() -> None:
    swapped = PublishedLog([*LOG.entries[:3], LOG.entries[9], *LOG.entries[4:9], LOG.entries[3], *LOG.entries[10:]])
    files = Files(FILES | {"tile/entries/000": swapped.files()["tile/entries/000"]})
    assert refused(files) == ("audit.order", "tile/entries/000", 3)


def test_an_entry_that_was_rewritten_with_its_hash_is_found_by_the_hash_above() -> None:
    other = PublishedLog([*LOG.entries[:300], entry(300, actor="nobody"), *LOG.entries[301:]]).files()
    paths = ("tile/entries/001", "tile/0/001")
    assert refused(Files(FILES | {path: other[path] for path in paths})) == ("audit.entry", "tile/entries/001", 256)


def test_a_log_that_was_rewritten_below_its_checkpoint_is_found_by_the_root_and_bounded_by_kept_ones() -> None:
    other = PublishedLog([*LOG.entries[:300], entry(300, actor="nobody"), *LOG.entries[301:]]).files()
    files = Files(other | {"checkpoint": FILES["checkpoint"]})
    assert refused(files) == ("audit.root", "checkpoint", 0)
    assert refused(files, Head("mine", LOG.note(299))) == ("audit.root", "checkpoint", 299)


def test_a_log_that_was_rewritten_and_signed_anew_is_found_by_a_kept_checkpoint() -> None:
    other = PublishedLog([*LOG.entries[:300], entry(300, actor="nobody"), *LOG.entries[301:]])
    other.log, other.witnesses = LOG.log, LOG.witnesses
    files = Files(other.files())
    verify_log(files, LOG.policy.verify, heads=[Head("before", LOG.note(300))])
    assert refused(files, Head("mine", LOG.note(301))) == ("audit.history", "mine", None)


def test_a_log_that_shrank_is_found_by_a_kept_checkpoint() -> None:
    assert refused(Files(LOG.files(600)), Head("mine", LOG.note())) == ("audit.shrunk", "mine", 600)


def test_two_trees_of_one_size_are_a_split_view() -> None:
    other = LOG.note(root=bytes(32))
    assert refused(Files(FILES), Head("theirs", other)) == ("checkpoint.split_view", "theirs", None)


def test_a_kept_checkpoint_must_be_signed_and_of_this_log() -> None:
    unsigned = Head("unsigned", Note(LOG.note(4).text, LOG.note(5).signatures))
    assert refused(Files(FILES), unsigned) == ("note.signature", "unsigned", None)
    other = PublishedLog(origin="other.example/log")
    both = Policy.parse(f"log {LOG.log.key}\nlog {other.log.key}\nquorum none\n".encode())
    with pytest.raises(Discrepancy) as caught:
        verify_log(Files(FILES), both.verify, heads=[Head("other", other.note())])
    assert caught.value.code == "audit.origin"


def test_a_signed_size_that_is_not_the_tree_s_is_refused() -> None:
    lying = Note(dataclasses.replace(Checkpoint.parse(LOG.note().text), size=699).text, ()).signed(LOG.log, 0)
    none = Policy.parse(f"log {LOG.log.key}\nquorum none\n".encode())
    files = Files(LOG.files(699) | {"checkpoint": lying.to_bytes()})
    with pytest.raises(Discrepancy) as caught:
        verify_log(files, none.verify)
    assert caught.value.code == "audit.root"


@given(st.data())
@settings(deadline=None, max_examples=400)
def test_no_flipped_bits_are_ever_accepted(data: st.DataObject) -> None:
    log = data.draw(st.sampled_from([SMALL, LOG]))
    files = Files(FILES if log is LOG else SMALL.files())
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(sorted(set(files.files) - {"policy"})))
        files.change(path, data.draw(st.integers(0, len(files.files[path]) - 1)), data.draw(st.integers(1, 255)))
    if files.files == (FILES if log is LOG else SMALL.files()):
        return
    with pytest.raises(InterlockError):
        verify_log(files, log.policy.verify)


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_a_policy_with_flipped_bits_believes_nobody_else(data: st.DataObject) -> None:
    text = bytearray(LOG.policy_text.encode())
    text[data.draw(st.integers(0, len(text) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        policy = Policy.parse(bytes(text))
        policy.verify(LOG.note())
    except InterlockError:
        return
    # Only how the words are told apart was changed, a tab for a space.
    assert policy == LOG.policy


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_garbage_is_refused_and_never_breaks(data: st.DataObject) -> None:
    files = Files(SMALL.files())
    path = data.draw(st.sampled_from(sorted(set(files.files) - {"policy"})))
    files.files[path] = data.draw(st.binary(max_size=400).filter(lambda found: found != files.files[path]))
    with pytest.raises(InterlockError):
        verify_log(files, SMALL.policy.verify)


def test_the_empty_log_has_the_root_of_nothing() -> None:
    empty = PublishedLog()
    assert verify_log(Files(empty.files()), empty.policy.verify).checkpoint.root == merkle.EMPTY_ROOT
