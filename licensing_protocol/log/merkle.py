"""RFC 6962 §2.1: hashes of leaves and the root of a tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from licensing_protocol.canonical import digest

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(body: bytes) -> bytes:
    """Return the hash of one leaf."""
    return digest(_LEAF, body)


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; of none, the hash of nothing."""
    if not leaves:
        return digest()
    if len(leaves) == 1:
        return leaves[0]
    # The left half is the largest power of two smaller than the number of leaves.
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return digest(_NODE, root_hash(leaves[:left]), root_hash(leaves[left:]))
