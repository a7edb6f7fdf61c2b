"""Cases of protocol §8: proofs about trees."""

from __future__ import annotations

from typing import Any

from licensing_protocol.canonical import JsonObject
from tests.vectors.forge import accepted, refused, sha256
from tests.vectors.log_forge import LEAVES, b64, growth_from, path_to, tree_root, unb64


def inclusion_cases() -> list[JsonObject]:
    size = 11
    root = tree_root(LEAVES[:size])

    def ask(index: int, size: int = size, **changes: Any) -> JsonObject:
        proof = [b64(found) for found in path_to(index, LEAVES[:size])] if index < size else []
        asked = {"leaf_hash": b64(LEAVES[index]), "index": index, "size": size, "proof": proof}
        return asked | {"root": b64(tree_root(LEAVES[:size]))} | changes

    sound = ask(4)
    flipped = [b64(bytes([unb64(sound["proof"][0])[0] ^ 1]) + unb64(sound["proof"][0])[1:]), *sound["proof"][1:]]
    return [
        *(accepted(f"leaf {index} of {size}", "from the sibling up", ask(index)) for index in range(size)),
        accepted("the only leaf", "no sibling: its hash is the root", ask(0, 1)),
        accepted("the last of 23", "alone on several levels", ask(22, 23)),
        refused("changed hash", "the way leads to another root", sound | {"proof": flipped}, "proof.inclusion"),
        refused(
            "another leaf", "which is in the tree elsewhere", sound | {"leaf_hash": b64(LEAVES[5])}, "proof.inclusion"
        ),
        refused("another root", "of a smaller tree", sound | {"root": b64(tree_root(LEAVES[:10]))}, "proof.inclusion"),
        refused("another index", "as long a way", sound | {"index": 5}, "proof.inclusion"),
        refused("too short", "a hash is missing", sound | {"proof": sound["proof"][:-1]}, "proof.length"),
        refused("too long", "a hash too many", sound | {"proof": [*sound["proof"], b64(root)]}, "proof.length"),
        refused("beyond the tree", "its leaves are 0 to 10", sound | {"index": 11}, "proof.index"),
        refused("in nothing", "an empty tree has no leaf", sound | {"size": 0, "index": 0}, "proof.index"),
        refused("short hash", "31 bytes", sound | {"root": b64(root[:31])}, "proof.hash"),
        refused("base64url", "the other alphabet", sound | {"root": "_" * 43 + "="}, "base64.malformed"),
    ]


def consistency_cases() -> list[JsonObject]:
    def ask(old: int, size: int, **changes: Any) -> JsonObject:
        proof = growth_from(old, LEAVES[:size]) if 0 < old < size else []
        asked = {
            "size1": old,
            "size2": size,
            "root1": b64(tree_root(LEAVES[:old])),
            "root2": b64(tree_root(LEAVES[:size])),
        }
        return asked | {"proof": list(map(b64, proof))} | changes

    pairs = [(1, 2), (2, 3), (3, 7), (4, 7), (6, 8), (7, 8), (8, 23), (10, 11), (16, 23), (22, 23)]
    sound, nothing = ask(6, 11), b64(sha256())
    return [
        *(accepted(f"{old} to {size}", "grew", ask(old, size)) for old, size in pairs),
        accepted("from nothing", "nothing to prove", ask(0, 7)),
        accepted("nothing to nothing", "both the hash of nothing", ask(0, 0)),
        accepted("to itself", "nothing to prove", ask(7, 7)),
        refused("changed old root", "of other leaves", sound | {"root1": nothing}, "proof.consistency"),
        refused("changed new root", "of other leaves", sound | {"root2": nothing}, "proof.consistency"),
        refused("two of one size", "the roots differ", ask(7, 7, root1=nothing), "proof.consistency"),
        refused(
            "nothing with a root", "an empty tree has one root", ask(0, 7, root1=b64(LEAVES[0])), "proof.consistency"
        ),
        refused(
            "nothing with two roots",
            "both must be that of nothing",
            ask(0, 0, root2=b64(LEAVES[0])),
            "proof.consistency",
        ),
        refused("swapped", "the hashes in another order", sound | {"proof": sound["proof"][::-1]}, "proof.consistency"),
        refused("too short", "a hash is missing", sound | {"proof": sound["proof"][:-1]}, "proof.length"),
        refused("too long", "a hash too many", sound | {"proof": [*sound["proof"], nothing]}, "proof.length"),
        refused("proof from nothing", "there is nothing to prove", ask(0, 7, proof=[nothing]), "proof.length"),
        refused("shrunk", "the old tree is the larger one", sound | {"size1": 12}, "proof.index"),
        refused("short hash", "31 bytes", sound | {"root1": b64(bytes(31))}, "proof.hash"),
    ]
