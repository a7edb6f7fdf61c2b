"""The edge at which a tree grows can be remembered, and grown from later."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from licensing_protocol.log import merkle


@given(st.integers(0, 70), st.integers(0, 70))
def test_a_frontier_goes_on_from_what_was_remembered(before: int, after: int) -> None:
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(before + after)]
    first = merkle.Frontier()
    first.grow(leaves[:before])
    second = merkle.Frontier(first.size, first.edge)
    second.grow(leaves[before:])
    assert (second.size, second.root) == (len(leaves), merkle.root_hash(leaves))
    assert len(second.edge) == len(list(merkle.subtrees(0, len(leaves))))
