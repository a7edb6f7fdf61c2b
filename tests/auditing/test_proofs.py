"""What is proven of a log holds for whoever has only the proof, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.errors import BrokenChain, InterlockError, MalformedDocument
from licensing_protocol.log import merkle
from licensing_protocol.log.proof import verify_consistency
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_server.auditing import Discrepancy
from licensing_server.auditing.proofs import Prover
from licensing_server.auditing.ranges import RangeProof
from tests.auditing.test_commands import audit
from tests.simulators.published_log import Files, PublishedLog, entries, entry

LARGE = PublishedLog(entries(256 * 256 + 300), witnesses=2)
FILES = LARGE.files()
SIZES = (1, 2, 255, 256, 257, 700, len(LARGE.entries))
LOGS = {size: Files(FILES if size == SIZES[-1] else LARGE.files(size)) for size in SIZES}


def prover(size: int) -> Prover:
    return Prover(LOGS[size], LOGS[size].note())


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_an_entry_is_proven(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from(SIZES))
    index = data.draw(st.integers(0, size - 1))
    proof = TlogProof.parse(prover(size).inclusion(index).to_bytes())
    assert proof.verify(LARGE.entries[index], LARGE.policy.verify).size == size
    with pytest.raises(BrokenChain):
        proof.verify(LARGE.entries[index] + b" ", LARGE.policy.verify)


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_growth_is_proven(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from(SIZES))
    old = data.draw(st.integers(0, size))
    verify_consistency(old, LARGE.root(old), size, LARGE.root(size), prover(size).growth(old))


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_range_is_proven_and_no_other(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from(SIZES[:-1]))
    begin = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(begin + 1, size))
    leaves = [merkle.leaf_hash(body) for body in LARGE.entries[begin:end]]
    proof = RangeProof.parse(prover(size).range(begin, end).to_bytes())
    assert proof.verify(leaves, LARGE.policy.verify).size == size
    at = data.draw(st.integers(0, len(leaves) - 1))
    with pytest.raises(Discrepancy):
        proof.verify([*leaves[:at], bytes(32), *leaves[at + 1 :]], LARGE.policy.verify)
    with pytest.raises(MalformedDocument):
        proof.verify(leaves[1:], LARGE.policy.verify)
    moved = data.draw(st.integers(-3, 3).filter(lambda by: by != 0))
    with pytest.raises(InterlockError):
        RangeProof(begin + moved, end + moved, proof.hashes, proof.note).verify(leaves, LARGE.policy.verify)


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_a_proof_with_flipped_bits_is_refused(data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(body) for body in LARGE.entries[100:140]]
    whole = bytearray(prover(257).range(100, 140).to_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InterlockError):
        RangeProof.parse(bytes(whole)).verify(leaves, LARGE.policy.verify)


@given(st.binary(max_size=300))
def test_garbage_is_no_range_proof(data: bytes) -> None:
    for text in (data, b"interlock/range-proof/1\nbegin 1\nend 2\n" + data):
        with pytest.raises(InterlockError):
            RangeProof.parse(text).verify([bytes(32)], LARGE.policy.verify)


def test_too_few_or_too_many_hashes_prove_nothing() -> None:
    leaves = [merkle.leaf_hash(LARGE.entries[3])]
    proof = prover(700).range(3, 4)
    for hashes in (proof.hashes[:-1], (*proof.hashes, bytes(32))):
        with pytest.raises(MalformedDocument):
            RangeProof(3, 4, hashes, proof.note).verify(leaves, LARGE.policy.verify)


def _order(kind: str, number: int, subject: str, **data: object) -> bytes:
    return entry(number, type=kind, subject=subject, data=data)


ORDERS = PublishedLog(
    [
        *entries(5),
        _order("order.placed", 5, "order_a", reason="misuse_reported"),
        _order("order.in_force", 6, "order_a"),
        _order("order.placed", 7, "order_b", reason="mistake"),
        _order("appeal.recorded", 8, "appeal_x", order="order_a"),
    ]
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return ORDERS.write(tmp_path / "log")


def test_one_entry_is_proven_by_two_files(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "proofs"
    shown = audit("prove", "5", "--from", folder, "--out", out)
    assert (shown.code, shown.err) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == ["entry-5.json", "entry-5.tlog-proof"]
    proof, body = out / "entry-5.tlog-proof", out / "entry-5.json"
    assert body.read_bytes() == ORDERS.entries[5]
    held = audit("verify-proof", proof, "--entry", body, "--policy", folder / "policy", "--json")
    assert (held.json["holds"], held.json["index"], held.json["size"]) == (True, 5, 9)
    body.write_bytes(ORDERS.entries[6])
    wrong = audit("verify-proof", proof, "--entry", body, "--policy", folder / "policy", "--json")
    assert (wrong.code, wrong.failure["code"], wrong.failure["place"]) == (1, "proof.inclusion", str(proof))


def test_an_order_is_proven_with_all_that_became_of_it(folder: Path, tmp_path: Path) -> None:
    shown = audit(
        "prove",
        "--order",
        "order_a",
        "--from",
        folder,
        "--out",
        tmp_path / "p",
        "--policy",
        folder / "policy",
        "--json",
    )
    assert [one["index"] for one in shown.json["written"]] == [5, 6, 8]
    nothing = audit("prove", "--order", "order_c", "--from", folder, "--policy", folder / "policy", "--json")
    assert (nothing.code, nothing.failure["code"]) == (1, "audit.nothing_found")


@pytest.mark.parametrize("arguments", [(), ("3", "--order", "order_a"), ("-1",), ("x",)])
def test_one_thing_is_proven_at_a_time(arguments: tuple[str, ...], folder: Path) -> None:
    assert audit("prove", *arguments, "--from", folder).code == 2


def test_an_index_that_the_log_does_not_have_is_refused(folder: Path, tmp_path: Path) -> None:
    shown = audit("prove", "9", "--from", folder, "--out", tmp_path / "none", "--json")
    assert (shown.code, shown.failure["code"]) == (1, "audit.index")
    assert not (tmp_path / "none").exists()


def test_a_log_whose_hashes_were_changed_proves_nothing(folder: Path, tmp_path: Path) -> None:
    path = folder / "tile/0/000.p/9"
    data = bytearray(path.read_bytes())
    data[3] ^= 1
    path.write_bytes(data)
    shown = audit("prove", "5", "--from", folder, "--out", tmp_path / "none", "--json")
    assert (shown.code, shown.failure["code"]) == (1, "proof.inclusion")
    assert not (tmp_path / "none").exists()
