"""RFC 6962 §2.1: hashes of leaves and nodes, and which of a tree's hashes a root or a proof is made of.

A tree is kept as the hashes of its perfect subtrees: ``(level, index)`` is the subtree over the ``2^level`` leaves from
``index * 2^level`` on. Those hashes never change, so they are written once and in the order in which they are complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

HASH_BYTES: Final = 32
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"
EMPTY_ROOT: Final = sha256().digest()

# Level and index of a perfect subtree; the first leaf of a range and the one after its last.
Subtree: TypeAlias = tuple[int, int]
Range: TypeAlias = tuple[int, int]


def leaf_hash(body: bytes) -> bytes:
    """Return the hash of one leaf."""
    return sha256(_LEAF + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two neighbours."""
    return sha256(_NODE + left + right).digest()


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; of none, the hash of nothing."""
    hashes = list(leaves)
    if not hashes:
        return EMPTY_ROOT
    while len(hashes) > 1:
        # One that has no neighbour rises as it is: the same tree as RFC 6962's, built from below.
        pairs = zip(hashes[::2], hashes[1::2], strict=False)
        hashes = [node_hash(left, right) for left, right in pairs] + hashes[len(hashes) & ~1 :]
    return hashes[0]


def subtrees(begin: int, end: int) -> Iterator[Subtree]:
    """Yield the perfect subtrees that make up a range of leaves, from the left.

    ``begin`` is a multiple of the largest power of two that the range holds, as in every range of a tree or a proof.
    """
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield level, begin >> level
        begin += 1 << level


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root of a range from the hashes of its :func:`subtrees`; of none, the hash of nothing."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def completed(index: int) -> Iterator[Subtree]:
    """Yield the perfect subtrees that are complete with the leaf of this index, itself first."""
    level = 0
    yield level, index
    while (index >> level) & 1:
        level += 1
        yield level, index >> level


def stored_at(level: int, index: int) -> int:
    """Return the place of a subtree's hash among all, in the order of :func:`completed`."""
    last = ((index + 1) << level) - 1
    return 2 * last - last.bit_count() + level


class Frontier:
    """The edge at which a tree grows: the hashes of the perfect subtrees that make it up, from the left."""

    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        self.size = size
        self._edge = list(edge)

    @property
    def root(self) -> bytes:
        """The root over all leaves so far."""
        return fold(self._edge)

    @property
    def edge(self) -> tuple[bytes, ...]:
        """The hashes of those subtrees: what is remembered, with the size, to go on later."""
        return tuple(self._edge)

    def grow(self, leaves: Iterable[bytes]) -> list[bytes]:
        """Take leaf hashes in; return the hashes that became complete with them, in the order of :func:`completed`."""
        edge, index, complete = self._edge, self.size, list[bytes]()
        for found in leaves:
            complete.append(found)
            carried = index
            while carried & 1:
                found = node_hash(edge.pop(), found)
                complete.append(found)
                carried >>= 1
            edge.append(found)
            index += 1
        self.size = index
        return complete


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Return the ranges whose roots prove that a leaf is in a tree, from the leaf's sibling up (RFC 6962 §2.1.1)."""
    begin, end, ranges = 0, size, []
    while end - begin > 1:
        middle = begin + left_width(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return ranges[::-1]


def consistency_ranges(old: int, size: int) -> list[Range]:
    """Return the ranges whose roots prove that a tree only grew (RFC 6962 §2.1.2); of nothing, and to itself, none."""
    if old in {0, size}:
        return []
    begin, end, ranges = 0, size, list[Range]()
    whole = True
    while end != old:
        middle = begin + left_width(end - begin)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin, whole = middle, False
    # The old tree's own root is known to whoever asks.
    return ([] if whole else [(begin, end)]) + ranges[::-1]


def hashes_of(ranges: Sequence[Range], hash_of: Callable[[Subtree], bytes]) -> list[bytes]:
    """Return the root of each range, from the hashes of perfect subtrees."""
    return [fold([hash_of(subtree) for subtree in subtrees(*leaves)]) for leaves in ranges]


def left_width(width: int) -> int:
    """Return how many of ``width`` leaves, 2 or more, stand to the left: the largest power of two that is smaller."""
    return 1 << (width - 1).bit_length() - 1
