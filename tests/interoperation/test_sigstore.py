"""Sigstore's client takes entries of our log by their proofs, as it takes those of its own log, Rekor."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from licensing_protocol.canonical import JsonObject, digest, encode
from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.merkle import inclusion_ranges, leaf_hash, root_hash
from tests.interoperation.others import Others
from tests.simulators.published_log import PublishedLog, entries

SIZE = 300
LOG = PublishedLog(entries(SIZE), witnesses=2)
LEAVES = [leaf_hash(entry) for entry in LOG.entries]

VERIFY = """
import json, sys
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import verify_checkpoint
from sigstore._internal.trust import Keyring
from sigstore.errors import VerificationError
from sigstore_models.common.v1 import PublicKey
from sigstore_models.rekor.v1 import TransparencyLogEntry

class Entry:
    def __init__(self, entry):
        self._inner = entry

asked = json.load(sys.stdin)
keys = Keyring([PublicKey.from_json(json.dumps(asked["key"]))])
for entry in asked["entries"]:
    entry = Entry(TransparencyLogEntry.from_json(json.dumps(entry)))
    try:
        verify_merkle_inclusion(entry)
        verify_checkpoint(keys, entry)
        print("taken")
    except VerificationError as error:
        print(str(error).replace(chr(10), " "))
"""


def carried(index: int) -> JsonObject:
    """An entry with its proof, as a bundle of Sigstore carries those of Rekor v2."""
    key = LOG.log.key
    ranges = inclusion_ranges(index, SIZE)
    proof = {
        "logIndex": str(index),
        "rootHash": to_base64(LOG.root()),
        "treeSize": str(SIZE),
        "hashes": [to_base64(root_hash(LEAVES[begin:end])) for begin, end in ranges],
        "checkpoint": {"envelope": LOG.note().to_bytes().decode()},
    }
    return {
        "logIndex": str(index),
        "logId": {"keyId": to_base64(digest(key.name.encode(), b"\n", bytes([key.kind]), key.public))},
        "kindVersion": {"kind": "interlock", "version": "1"},
        "inclusionProof": proof,
        "canonicalizedBody": to_base64(LOG.entries[index]),
    }


def verdicts(others: Others, *carried: JsonObject, log: PublishedLog = LOG) -> list[str]:
    asked: dict[str, Any] = {"key": {"rawBytes": _spki(log), "keyDetails": "PKIX_ED25519"}, "entries": list(carried)}
    return others.run("-W", "ignore", "-c", VERIFY, said=encode(asked)).decode().splitlines()


def test_it_takes_every_entry_by_its_proof(others: Others) -> None:
    assert verdicts(others, *map(carried, range(SIZE))) == ["taken"] * SIZE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda made: made | {"canonicalizedBody": to_base64(LOG.entries[8])}, "invalid root hash"),
        (lambda made: made | {"inclusionProof": made["inclusionProof"] | {"logIndex": "6"}}, "invalid root hash"),
        (lambda made: made | {"inclusionProof": made["inclusionProof"] | {"hashes": []}}, "wrong size"),
        (lambda made: _with_note(made, f"\n{SIZE}\n", "\n301\n"), "invalid signature"),
        (lambda made: made | {"logId": {"keyId": to_base64(bytes(32))}}, "not found"),
    ],
    ids=["body", "index", "hashes", "checkpoint", "key"],
)
def test_it_refuses_what_was_changed(others: Others, change: Any, reason: str) -> None:
    (told,) = verdicts(others, change(carried(7)))
    assert reason in told


def test_it_refuses_another_log_s_key(others: Others) -> None:
    (told,) = verdicts(others, carried(7), log=PublishedLog())
    assert "invalid signature" in told


def _with_note(made: Any, old: str, new: str) -> Any:
    note = made["inclusionProof"]["checkpoint"]["envelope"].replace(old, new)
    return made | {"inclusionProof": made["inclusionProof"] | {"checkpoint": {"envelope": note}}}


def _spki(log: PublishedLog) -> str:
    key = Ed25519PublicKey.from_public_bytes(log.log.key.public)
    return to_base64(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
