"""Our log and ``tlog-scales``, which a witness of the public network is run with: each reads what the other made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from licensing_protocol.canonical import decode_object
from licensing_protocol.errors import BrokenChain
from licensing_protocol.log.checkpoint import Checkpoint, verify
from licensing_protocol.log.merkle import leaf_hash
from licensing_protocol.log.note_key import NoteKey
from licensing_protocol.log.proof import verify_consistency
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_server.auditing import Folder, Head, verify_log
from tests.interoperation.others import Others
from tests.simulators.published_log import PublishedLog, entries

SIZE = 600
LOG = PublishedLog(entries(SIZE), witnesses=2)
KEYS = [str(signer.key) for signer in (LOG.log, *LOG.witnesses)]

FOLLOW = """
import json, sys
from tlog_scales.backend import make_backend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.utils import sha256
location, *vkeys = sys.argv[1:]
log = TilesReader(make_backend(location))
head = log.get_checkpoint()
for vkey in vkeys:
    head.verify(Vkey.from_string(vkey))
assert log.calculate_root_hash() == head.root_hash, "root"
for index in range(head.size):
    log.get_inclusion_proof(index, head.size).check(sha256(b"\\0" + log.get_entry(index)), head.root_hash)
growth = {}
for old in (1, 255, 256, 300, 512, head.size):
    proof = log.get_consistency_proof(old, head.size)
    proof.check(log.mth(0, old), head.root_hash)
    growth[str(old)] = [found.hex() for found in proof.node_hashes]
print(json.dumps({"size": head.size, "growth": growth}))
"""

WRITE = """
import pathlib, sys
from tlog_scales.signing import PlainEd25519Signer
from tlog_scales.writer import TilesWriter
folder, origin = sys.argv[1:]
log = TilesWriter.create(pathlib.Path(folder), origin)
signer = PlainEd25519Signer(origin, bytes(range(32)))
count = 0
for step in (1, 254, 1, 44, 300):
    for _ in range(step):
        log.add_leaf(b"entry %d" % count)
        count += 1
    log.commit([signer])
    pathlib.Path(folder, f"checkpoint.{count}").write_bytes(pathlib.Path(folder, "checkpoint").read_bytes())
print(signer.vkey.serialize())
"""


def follow(others: Others, folder: Path, *keys: str) -> dict[str, Any]:
    return decode_object(others.run("-c", FOLLOW, str(folder), *keys))


def test_it_follows_our_log_and_believes_our_signatures_and_our_witnesses(others: Others, tmp_path: Path) -> None:
    told = follow(others, LOG.write(tmp_path), *KEYS)
    assert told["size"] == SIZE
    for old, hashes in told["growth"].items():
        verify_consistency(int(old), LOG.root(int(old)), SIZE, LOG.root(), [bytes.fromhex(found) for found in hashes])


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/001", "tile/1/000.p/2", "tile/entries/002.p/88"])
def test_it_refuses_what_is_not_the_signed_tree(others: Others, tmp_path: Path, path: str) -> None:
    file = LOG.write(tmp_path) / path
    data = bytearray(file.read_bytes())
    # In the checkpoint, a digit of the root.
    data[40] ^= 1
    file.write_bytes(data)
    with pytest.raises(AssertionError, match=r"InvalidSignature|InclusionProofInvalid|root"):
        follow(others, tmp_path, *KEYS)


@pytest.mark.parametrize("index", [0, 255, 256, SIZE - 1])
def test_we_take_the_proofs_that_it_carries_out_of_our_log(others: Others, tmp_path: Path, index: int) -> None:
    LOG.write(tmp_path)
    carried = TlogProof.parse(others.run("-m", "tlog_scales.cli", "gen-proof", str(tmp_path), str(index)))
    assert carried.verify(LOG.entries[index], LOG.policy.verify).size == SIZE
    with pytest.raises(BrokenChain):
        carried.verify(LOG.entries[index] + b" ", LOG.policy.verify)


def test_we_verify_a_log_that_it_wrote(others: Others, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    key = NoteKey.parse(others.run("-c", WRITE, str(folder), "theirs.example/log").decode().strip())
    source = Folder(folder)
    kept = [Head(f"checkpoint.{size}", source.note(f"checkpoint.{size}")) for size in (1, 255, 256, 300, 600)]
    held = verify_log(source, lambda note: verify(note, [key]), heads=kept)
    assert (held.checkpoint.size, held.earlier) == (600, len(kept))
    assert Checkpoint.parse(kept[0].note.text).root == leaf_hash(b"entry 0")
