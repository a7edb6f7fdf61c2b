"""``interlock audit prove`` and ``verify-proof``: one entry at a time, for somebody who has nothing of the log."""

from __future__ import annotations

import argparse
from pathlib import Path

from licensing_protocol.errors import InterlockError
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.merkle import leaf_hash
from licensing_protocol.log.note import Note
from licensing_protocol.log.tiles import WIDTH, Tile
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_server.auditing.commands.options import add_from
from licensing_server.auditing.commands.output import Output
from licensing_server.auditing.commands.parser import (
    PROGRAM,
    Command,
    ExitCode,
    Misused,
    add_trust,
    read,
    source_of,
    trust_of,
)
from licensing_server.auditing.commands.patience import patiently
from licensing_server.auditing.errors import Discrepancy
from licensing_server.auditing.proofs import Prover
from licensing_server.auditing.records import Query, records
from licensing_server.auditing.source import CHECKPOINT, Source
from licensing_server.auditing.verify import Head, believed, verify_log

_PROVE_HELP = """\
Write the proof that an entry is in the log, as a file that anybody can verify (c2sp.org/tlog-proof).

Beside each NAME.tlog-proof lies NAME.json, the exact bytes of the entry: hand over both. With --order, one pair for
each entry about the order, from its placing to its appeals; the log is verified first, so say whom you believe."""
_VERIFY_HELP = """\
Verify the proof that somebody handed over with an entry: the entry is in the log, at its index, unchanged.

It needs the two files and your policy, and no network."""


def _configure_prove(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("index", metavar="INDEX", nargs="?", type=int, help="index of the entry, counted from 0")
    parser.add_argument("--order", metavar="ID", help="instead: every entry about this order")
    parser.add_argument("--out", metavar="FOLDER", default=".", help="where to write the files (default: here)")
    add_from(parser)
    add_trust(parser)


def _prove(arguments: argparse.Namespace, output: Output) -> int:
    if (arguments.index is None) == (arguments.order is None) or (arguments.index or 0) < 0:
        raise Misused("Name either the INDEX of an entry, counted from 0, or --order ID.")
    source = source_of(arguments)
    prover, found = _one(source, arguments) if arguments.order is None else _all_of_order(source, arguments, output)
    written = []
    for index, body in found:
        proof = prover.inclusion(index)
        proof.verify(body, lambda note: Checkpoint.parse(note.text))
        name = Path(arguments.out) / f"entry-{index}"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.with_suffix(".json").write_bytes(body)
        name.with_suffix(".tlog-proof").write_bytes(proof.to_bytes())
        written.append({"index": index, "entry": f"{name}.json", "proof": f"{name}.tlog-proof"})
    sentences = [f"Entry {one['index']}: {one['proof']}, with {one['entry']}" for one in written]
    output.result({"written": written}, sentences)
    return ExitCode.DONE


def _one(source: Source, arguments: argparse.Namespace) -> tuple[Prover, list[tuple[int, bytes]]]:
    note = patiently(source, lambda: _newest(source, arguments))
    prover, index = Prover(source, note), arguments.index
    prover.inclusion(index)
    first = index - index % WIDTH
    _place, bodies = source.entries(Tile(None, index // WIDTH, min(WIDTH, prover.size - first)))
    return prover, [(index, bodies[index - first])]


def _newest(source: Source, arguments: argparse.Namespace) -> Note:
    note = source.note()
    if arguments.policy or arguments.vkey:
        believed(Head(CHECKPOINT, note), trust_of(arguments).verify)
    return note


def _all_of_order(
    source: Source, arguments: argparse.Namespace, output: Output
) -> tuple[Prover, list[tuple[int, bytes]]]:
    believe = trust_of(arguments).verify
    verified = patiently(source, lambda: verify_log(source, believe, told=output.told))
    query = Query(order=arguments.order)
    found = [(record.index, record.body) for record in records(source, verified) if query.fits(record)]
    if not found:
        raise Discrepancy(f"The log has no entry about the order {arguments.order}.", code="audit.nothing_found")
    return Prover(source, verified.note), found


def _configure_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("proof", metavar="PROOF", help="file that ends in .tlog-proof")
    parser.add_argument("--entry", metavar="FILE", required=True, help="file with the exact bytes of the entry")
    add_trust(parser)


def _verify(arguments: argparse.Namespace, output: Output) -> int:
    policy, entry = trust_of(arguments), read(arguments.entry)
    try:
        proof = TlogProof.parse(read(arguments.proof))
        checkpoint = proof.verify(entry, policy.verify)
    except InterlockError as error:
        raise Discrepancy.at(arguments.proof, error) from error
    told = f"It is proven: these bytes are entry {proof.index} of the log {checkpoint.origin}, of {checkpoint.size}."
    leaf = to_base64(leaf_hash(entry))
    value = {"holds": True, "origin": checkpoint.origin, "index": proof.index, "size": checkpoint.size, "leaf": leaf}
    output.result(value, [told])
    return ExitCode.DONE


PROVE = Command("prove", _PROVE_HELP, f"{PROGRAM} prove 12 --from ./log --out ./proofs", _configure_prove, _prove)
VERIFY_PROOF = Command(
    "verify-proof",
    _VERIFY_HELP,
    f"{PROGRAM} verify-proof entry-12.tlog-proof --entry entry-12.json --policy witnesses.policy",
    _configure_verify,
    _verify,
)
