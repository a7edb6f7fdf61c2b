"""The log's structures: trees and their proofs, tiles, notes, and a witness that lets a log only grow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from licensing_protocol.errors import BrokenChain, InterlockError, MalformedDocument, OversizedDocument
from licensing_protocol.keys import ES256, SoftwareSigner
from licensing_protocol.log import merkle, tiles
from licensing_protocol.log.checkpoint import Checkpoint, refuse_contradiction
from licensing_protocol.log.note import MAX_BYTES, Note
from licensing_protocol.log.note_key import NoteKey, NoteSigner, SignatureType
from licensing_protocol.log.policy import Policy
from licensing_protocol.log.proof import verify_consistency, verify_inclusion
from licensing_protocol.log.tiles import Tile
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_protocol.log.witness import AddCheckpoint, Answer, Seen, judge

ORIGIN = "log.example"
LOG = NoteSigner(ORIGIN, SignatureType.ED25519, SoftwareSigner.generate())
WITNESS = NoteSigner("witness.example", SignatureType.COSIGNATURE, SoftwareSigner.generate())
HASHES = st.binary(min_size=32, max_size=32)
LEAVES = st.lists(st.binary(max_size=4), max_size=70).map(lambda bodies: [merkle.leaf_hash(body) for body in bodies])
SIZES = st.integers(0, 2**63 - 1)


def recursive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH as RFC 6962 §2.1 writes it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + recursive_root(leaves[:half]) + recursive_root(leaves[half:])).digest()


def stored(leaves: Sequence[bytes]) -> list[bytes]:
    """The hashes that a log keeps, in the order in which it writes them."""
    kept: list[bytes] = []
    for index, leaf in enumerate(leaves):
        for level, number in merkle.completed(index):
            pair = (kept[merkle.stored_at(level - 1, 2 * number)], kept[-1]) if level else ()
            kept.append(merkle.node_hash(*pair) if pair else leaf)
    return kept


def test_a_root_is_that_of_rfc_6962() -> None:
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(70)]
    for size in range(len(leaves) + 1):
        kept = stored(leaves[:size])
        parts = [kept[merkle.stored_at(*subtree)] for subtree in merkle.subtrees(0, size)]
        assert merkle.root_hash(leaves[:size]) == merkle.fold(parts) == recursive_root(leaves[:size])


def test_hashes_are_stored_one_after_another() -> None:
    places = [merkle.stored_at(*subtree) for index in range(300) for subtree in merkle.completed(index)]
    assert places == list(range(len(places)))


@given(LEAVES, st.lists(st.integers(0, 9)))
def test_a_frontier_grows_into_the_same_tree_in_whatever_steps(leaves: list[bytes], steps: list[int]) -> None:
    frontier, kept, left = merkle.Frontier(), list[bytes](), list(leaves)
    for step in [*steps, len(leaves)]:
        kept += frontier.grow(left[:step])
        del left[:step]
        assert frontier.size == len(leaves) - len(left)
        assert frontier.root == recursive_root(leaves[: frontier.size])
        # Rebuilt from what is kept, it goes on the same.
        edge = [kept[merkle.stored_at(*subtree)] for subtree in merkle.subtrees(0, frontier.size)]
        frontier = merkle.Frontier(frontier.size, edge)
    assert kept == stored(leaves)


@given(LEAVES, st.data())
@settings(deadline=None)
def test_a_proof_shows_inclusion_and_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, max(1, len(leaves))))
    leaves = leaves or [merkle.leaf_hash(b"")]
    index = data.draw(st.integers(0, size - 1))
    kept, root = stored(leaves), recursive_root(leaves[:size])
    proof = merkle.hashes_of(merkle.inclusion_ranges(index, size), lambda at: kept[merkle.stored_at(*at)])
    verify_inclusion(leaves[index], index, size, proof, root)
    for number in range(len(proof)):
        with pytest.raises(BrokenChain):
            verify_inclusion(leaves[index], index, size, _flipped(proof, number, data), root)


@given(LEAVES, st.data())
@settings(deadline=None)
def test_a_proof_shows_growth_and_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(leaves)))
    old = data.draw(st.integers(0, size))
    kept, old_root, root = stored(leaves), recursive_root(leaves[:old]), recursive_root(leaves[:size])
    proof = merkle.hashes_of(merkle.consistency_ranges(old, size), lambda at: kept[merkle.stored_at(*at)])
    verify_consistency(old, old_root, size, root, proof)
    for number in range(len(proof)):
        with pytest.raises(BrokenChain):
            verify_consistency(old, old_root, size, root, _flipped(proof, number, data))


@given(SIZES, SIZES, HASHES, HASHES, st.lists(HASHES, max_size=8))
def test_a_proof_of_anything_is_verified_or_refused(
    one: int, other: int, root: bytes, leaf: bytes, proof: list[bytes]
) -> None:
    with pytest.raises(InterlockError):
        verify_consistency(min(one, other) + 1, leaf, max(one, other) + 2, root, proof)
    with pytest.raises(InterlockError):
        verify_inclusion(leaf, min(one, other), max(one, other) + 2, proof, root)


@given(st.none() | st.integers(0, 63), st.integers(0, 10**20), st.integers(1, 256))
def test_a_tile_has_one_path(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/64/000",
        "tile/00/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/000.p/256",
        "tile/0/000.p/300",
        "tile/0/000.p/01",
    ],
)
def test_no_other_path_is_that_of_a_tile(path: str) -> None:
    with pytest.raises(MalformedDocument):
        Tile.parse(path)


def test_the_tiles_of_a_tree_are_those_of_the_specification() -> None:
    found = list(tiles.tiles_of(70_000))
    hashes = [tile for tile in found if tile.level is not None]
    full = [sum(tile.level == level and tile.width == 256 for tile in hashes) for level in range(3)]
    assert full == [273, 1, 0]
    assert {tile.path for tile in hashes if tile.width < 256} == {
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    }
    assert [tile.path for tile in tiles.tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    assert all(tile.is_of(70_000) and not tile.is_of(tile.first) for tile in hashes)
    assert Tile(1, 1234067).path == "tile/1/x001/x234/067"


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_entries_come_out_of_a_tile_as_they_went_in(entries: list[bytes]) -> None:
    data = tiles.bundle(entries)
    assert tiles.unbundle(data, len(entries)) == entries
    for wrong in (data + b"\x00", data[:-1]):
        with pytest.raises(MalformedDocument):
            tiles.unbundle(wrong, len(entries) + (not data))


def test_an_entry_that_is_too_long_has_no_tile() -> None:
    with pytest.raises(OversizedDocument):
        tiles.bundle([bytes(65_536)])


TEXTS = st.lists(st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), max_size=9), min_size=1).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


@given(TEXTS, st.integers(0, 2**62))
def test_a_note_is_read_as_it_was_written(text: str, now: int) -> None:
    note = Note(text, ()).signed(LOG, now).signed(WITNESS, now)
    read = Note.parse(note.to_bytes())
    assert read == note
    assert read.verify([WITNESS.key, LOG.key]) == (LOG.key, WITNESS.key)
    assert read.cosigned_at(WITNESS.key) == now


def test_a_key_is_read_as_it_was_written() -> None:
    assert NoteKey.parse(str(LOG.key)) == LOG.key
    assert NoteKey.parse(str(WITNESS.key)) == WITNESS.key


def test_a_note_that_another_implementation_signed() -> None:
    # The example of Go's golang.org/x/mod/sumdb/note.
    key = NoteKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = (
        "\N{EM DASH} PeterNeumann"
        " x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert Note.parse(f"{text}\n{line}".encode()).verify([key]) == (key,)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2009b", "\ud800"])
def test_a_name_that_no_note_could_carry_is_refused(name: str) -> None:
    with pytest.raises(MalformedDocument) as refused:
        NoteSigner(name, SignatureType.ED25519, SoftwareSigner.generate())
    assert refused.value.code == "note.key_name"


def test_only_ed25519_signs_notes() -> None:
    with pytest.raises(MalformedDocument):
        NoteSigner("log.example", SignatureType.ED25519, SoftwareSigner.generate(ES256))


@pytest.mark.parametrize("parse", [Note.parse, TlogProof.parse, AddCheckpoint.parse, Policy.parse])
@pytest.mark.parametrize("size", [MAX_BYTES, 2 * MAX_BYTES])
def test_what_is_too_long_is_not_read(parse: Callable[[bytes], object], size: int) -> None:
    with pytest.raises((MalformedDocument, OversizedDocument)):
        parse(b"x" * size)


def test_text_that_is_no_utf8_is_no_note() -> None:
    with pytest.raises(MalformedDocument) as refused:
        Note.parse(b"\xff\n\nx\n")
    assert refused.value.code == "note.encoding"


@given(st.binary(max_size=60))
def test_a_proof_is_read_as_it_was_written(extra: bytes) -> None:
    note = Note("text\n", ()).signed(LOG, 0)
    for proof in (TlogProof(7, (bytes(32),), note, extra), TlogProof(0, (), note)):
        assert TlogProof.parse(proof.to_bytes()) == proof
    request = AddCheckpoint(5, (bytes(32),), note)
    assert AddCheckpoint.parse(request.to_bytes()) == request


def test_two_heads_of_one_size_contradict_each_other() -> None:
    one, other = Checkpoint(ORIGIN, 5, bytes(32)), Checkpoint(ORIGIN, 5, b"\x01" * 32)
    refuse_contradiction(one, one)
    refuse_contradiction(one, Checkpoint("another.example", 5, other.root))
    refuse_contradiction(one, Checkpoint(ORIGIN, 6, other.root))
    with pytest.raises(BrokenChain) as split:
        refuse_contradiction(one, other)
    assert split.value.code == "checkpoint.split_view"


class WitnessedLog(RuleBasedStateMachine):
    """A log that grows, and tries to show another past; a witness that sees what it is sent."""

    @initialize()
    def begin(self) -> None:
        self.leaves: list[bytes] = []
        self.seen = Seen()
        self.cosigned: list[tuple[int, bytes]] = []

    @rule(count=st.integers(1, 9))
    def grow(self, count: int) -> None:
        self.leaves += [merkle.leaf_hash(bytes([len(self.leaves) % 256, number])) for number in range(count)]

    @rule(at=st.integers(0, 50))
    def change_the_past(self, at: int) -> None:
        if at < self.seen.size:
            changed = [*self.leaves[:at], merkle.leaf_hash(b"changed"), *self.leaves[at + 1 :]]
            assert self._submit(changed, len(changed)) is not Answer.COSIGNED

    @rule(size=st.integers(0, 50))
    def shrink(self, size: int) -> None:
        if size < self.seen.size:
            assert self._submit(self.leaves, size) is not Answer.COSIGNED

    @rule()
    def submit(self) -> None:
        assert self._submit(self.leaves, len(self.leaves)) is Answer.COSIGNED

    @invariant()
    def what_was_cosigned_is_one_growing_tree(self) -> None:
        for size, root in getattr(self, "cosigned", []):
            assert root == recursive_root(self.leaves[:size])

    def _submit(self, leaves: list[bytes], size: int) -> Answer:
        root = recursive_root(leaves[:size])
        kept, old = stored(leaves), min(self.seen.size, size)
        proof = merkle.hashes_of(merkle.consistency_ranges(old, size), lambda at: kept[merkle.stored_at(*at)])
        note = Note(Checkpoint(ORIGIN, size, root).text, ()).signed(LOG, 0)
        judged = judge(AddCheckpoint(old, tuple(proof), note), [LOG.key], self.seen)
        if judged.answer is Answer.COSIGNED:
            self.seen = Seen(size, root)
            self.cosigned.append((size, root))
        return judged.answer


WitnessedLog.TestCase.settings = settings(deadline=None, max_examples=40, stateful_step_count=20)
TestWitnessedLog = WitnessedLog.TestCase


def _flipped(proof: Sequence[bytes], number: int, data: st.DataObject) -> list[bytes]:
    changed = bytearray(proof[number])
    changed[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    return [*proof[:number], bytes(changed), *proof[number + 1 :]]
