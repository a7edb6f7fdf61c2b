"""Proofs that a leaf is in a tree, and that a tree only grew (RFC 6962 §2.1.1, §2.1.2; RFC 9162 §2.1.3, §2.1.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from licensing_protocol.errors import BrokenChain, MalformedDocument
from licensing_protocol.log.merkle import EMPTY_ROOT, HASH_BYTES, node_hash


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Verify that the leaf hash stands at ``index`` in the tree of ``size`` leaves with this root.

    Raises:
        MalformedDocument: ``proof.index`` for an index that the tree does not have; ``proof.length``; ``proof.hash``.
        BrokenChain: ``proof.inclusion``: the tree with this root has another leaf there.
    """
    if not 0 <= index < size:
        raise MalformedDocument(f"A tree of {size} leaves has none at {index}.", code="proof.index")
    _refuse_other_than_hashes(leaf, root, *proof)
    # Below the place where the leaf's way leaves that of the last leaf there is a sibling at every level; above it
    # only where the way came from the right.
    inner = (index ^ (size - 1)).bit_length()
    _refuse_length(proof, inner + (index >> inner).bit_count())
    found = leaf
    for level, sibling in enumerate(proof):
        is_right = level >= inner or (index >> level) & 1
        found = node_hash(sibling, found) if is_right else node_hash(found, sibling)
    if found != root:
        raise BrokenChain(f"The proof does not lead from leaf {index} to the root.", code="proof.inclusion")


def verify_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Verify that the tree of ``size`` leaves begins with that of ``old`` leaves.

    Raises:
        MalformedDocument: ``proof.index`` where the old tree is the larger one; ``proof.length``; ``proof.hash``.
        BrokenChain: ``proof.consistency``: something was changed or taken out.
    """
    if not 0 <= old <= size:
        raise MalformedDocument(f"A tree of {size} leaves did not grow from one of {old}.", code="proof.index")
    _refuse_other_than_hashes(old_root, root, *proof)
    if old in {0, size}:
        _refuse_length(proof, 0)
        if old_root != (root if old else EMPTY_ROOT) or (not size and root != EMPTY_ROOT):
            raise _inconsistent(old, size)
        return
    if _both_roots(old, old_root, size, proof) != (old_root, root):
        raise _inconsistent(old, size)


def _both_roots(old: int, old_root: bytes, size: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the roots to which a proof leads in the old and in the new tree (RFC 9162 §2.1.4.2)."""
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    hashes = iter(proof if at else (old_root, *proof))
    old_found = found = _next(hashes)
    while last:
        if at & 1 or at == last:
            left = _next(hashes)
            old_found, found = node_hash(left, old_found), node_hash(left, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, _next(hashes))
        at, last = at >> 1, last >> 1
    _refuse_length(tuple(hashes), 0)
    return old_found, found


def _next(hashes: Iterator[bytes]) -> bytes:
    found = next(hashes, None)
    if found is None:
        raise MalformedDocument("The proof has too few hashes.", code="proof.length")
    return found


def _refuse_length(proof: Sequence[bytes], wanted: int) -> None:
    if len(proof) != wanted:
        raise MalformedDocument("The proof has too many hashes, or too few.", code="proof.length")


def _refuse_other_than_hashes(*hashes: bytes) -> None:
    if any(len(found) != HASH_BYTES for found in hashes):
        raise MalformedDocument(f"A hash has {HASH_BYTES} bytes.", code="proof.hash")


def _inconsistent(old: int, size: int) -> BrokenChain:
    sentence = f"The tree of {size} leaves does not begin with the tree of {old}: something was changed or taken out."
    return BrokenChain(sentence, code="proof.consistency")
