"""``interlock audit verify``."""

from __future__ import annotations

import argparse
from typing import Any

from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.note import Note
from licensing_protocol.log.policy import Policy
from licensing_server.auditing.commands.output import Output, instant
from licensing_server.auditing.commands.parser import (
    PROGRAM,
    Command,
    ExitCode,
    add_heads,
    add_source,
    add_trust,
    heads_of,
    source_of,
    trust_of,
)
from licensing_server.auditing.commands.patience import patiently
from licensing_server.auditing.evidence import VerifiedBundle, is_bundle, verify_bundle
from licensing_server.auditing.trust import of_log
from licensing_server.auditing.verify import verify_log

_HELP = """\
Verify a log, or a bundle of evidence: nothing in it was changed, dropped, added or put into another order.

Every entry is hashed again; the hashes must lead to the root that the log signed and enough witnesses have seen, and
every checkpoint that you kept must be an earlier state of the same log. The first entry at fault is named."""


def _configure(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_trust(parser)
    add_heads(parser)


def _run(arguments: argparse.Namespace, output: Output) -> int:
    policy = trust_of(arguments)
    heads = heads_of(arguments.checkpoint)
    source = source_of(arguments)
    if is_bundle(source):
        bundle = verify_bundle(source, policy.verify, heads=heads, by_word=of_log(policy).verify, told=output.told)
        return _of_bundle(bundle, output)
    by_word = of_log(policy).verify
    verified = patiently(
        source, lambda: verify_log(source, policy.verify, heads=heads, by_word=by_word, told=output.told)
    )
    checkpoint = verified.checkpoint
    seen = seen_by(policy, verified.note)
    told = [
        f"The log {checkpoint.origin} holds: {checkpoint.size} entries, contiguous from 0, each hashed again.",
        f"Root: {to_base64(checkpoint.root)}",
        f"Earlier checkpoints that it grew from: {verified.earlier}",
        *(f"Seen by {name} at {instant(time)}" for name, time in seen),
    ]
    if not seen:
        told.append("No witness was asked for: that the log shows everybody the same is its keeper's word.")
    value = {
        "holds": True,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": to_base64(checkpoint.root),
        "earlier": verified.earlier,
        "witnesses": [{"name": name, "time": time} for name, time in seen],
    }
    output.result(value, told)
    return ExitCode.DONE


def _of_bundle(verified: VerifiedBundle, output: Output) -> int:
    checkpoint = verified.checkpoint
    value: dict[str, Any] = {"holds": True, "origin": checkpoint.origin, "size": checkpoint.size}
    if verified.begin is None:
        value |= {"proves": "inclusion", "entries": list(verified.indices)}
        told = [
            f"{len(verified.indices)} entries are in the log {checkpoint.origin} of {checkpoint.size}, unchanged.",
            "That nothing else fits what was asked is not proven: a bundle of a range proves that.",
        ]
    else:
        value |= {"proves": "completeness", "begin": verified.begin, "end": verified.end}
        told = [
            f"The log {checkpoint.origin} of {checkpoint.size} entries holds from {verified.indices[0]} to "
            f"{verified.indices[-1]} exactly these: unchanged, in this order, and none is missing."
        ]
    output.result(value, told)
    return ExitCode.DONE


def seen_by(policy: Policy, note: Note) -> list[tuple[str, int]]:
    """Return the witnesses of the policy that cosigned, by name, and when (seconds)."""
    keys = [witness.key for witness in policy.witnesses.values()]
    signed = {(found.name, found.key_id) for found in note.signatures}
    return [(key.name, note.cosigned_at(key)) for key in keys if (key.name, key.key_id) in signed]


VERIFY = Command("verify", _HELP, f"{PROGRAM} verify ./log --policy witnesses.policy", _configure, _run)
