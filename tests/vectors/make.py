"""``python -m tests.vectors.make`` writes the vectors beside this file; made again, they are the same bytes.

Each file is ``{about, verb, keys, cases: [{name, comment, input, result}]}``: what the conformance verb is asked, and
what it must answer. A case that is refused fails for one reason, which its comment names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from licensing_protocol.canonical import JsonObject
from tests.vectors import (
    decisions,
    delegations,
    device_documents,
    entitlements,
    journals,
    limits,
    log_notes,
    log_proofs,
    log_trees,
    manifests,
    roots,
    signed_documents,
    status_lists,
)
from tests.vectors.forge import FOLDER, MEMORY, published_keys

FILES: dict[str, tuple[str, Callable[[], list[JsonObject]]]] = {
    "add-checkpoint": ("Requests to a witness (tlog-witness).", log_proofs.add_checkpoint_cases),
    "area": ("Positions against areas (protocol §3).", limits.area_cases),
    "checkpoint": ("Checkpoints of a log (tlog-checkpoint).", log_notes.checkpoint_cases),
    "consistency": ("Proofs that a tree only grew (RFC 6962).", log_trees.consistency_cases),
    "cosignature": ("Cosignatures of a witness (tlog-cosignature).", log_notes.cosignature_cases),
    "decide": ("One use, decided (protocol §3 to §5).", decisions.decide_cases),
    "delegated": ("Targets, and documents under what they delegate (protocol §2).", delegations.delegated_cases),
    "enrollment": ("Enrolments (protocol §9).", device_documents.enrollment_cases),
    "entitlement": ("Entitlements and their limits (protocol §3).", entitlements.entitlement_cases),
    "evidence": ("Evidence (protocol §6).", device_documents.evidence_cases),
    "inclusion": ("Proofs that a leaf is in a tree (RFC 6962).", log_trees.inclusion_cases),
    "journal": ("Events and their chain (protocol §6).", journals.journal_cases),
    "json": ("Strict JSON and its canonical form (protocol §1).", signed_documents.json_cases),
    "key": ("Public keys and their thumbprints (protocol §1).", signed_documents.key_cases),
    "manifest": ("Product manifests (protocol §2).", manifests.manifest_cases),
    "note": ("Signed notes (signed-note).", log_notes.note_cases),
    "pattern": ("Patterns for legal authorities (RFC 9485).", limits.pattern_cases),
    "quota": ("Windows of quotas (protocol §3).", limits.quota_cases),
    "receipt": ("Receipts (protocol §7).", device_documents.receipt_cases),
    "refusal": ("Refusals (protocol §7).", device_documents.refusal_cases),
    "root-chain": ("Chains of roots (protocol §2).", roots.root_chain_cases),
    "schedule": ("Times against schedules (protocol §3, §5).", limits.schedule_cases),
    "status-list": ("Status lists (protocol §4).", status_lists.status_list_cases),
    "tlog-proof": ("Proofs that can be carried about (tlog-proof).", log_proofs.tlog_proof_cases),
    "token": ("Signed documents of any type (protocol §1).", signed_documents.token_cases),
    "tree": ("Digests of trees of files (protocol §6).", journals.tree_cases),
}


def texts() -> Iterator[tuple[str, str]]:
    """Yield each file's name and text; last the file of what is kept from one making to the next."""
    for verb, (about, cases) in FILES.items():
        document = {"about": about, "verb": verb, "keys": published_keys(), "cases": cases()}
        yield f"{verb}.json", json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    yield "stored.json", MEMORY.text()


def main() -> None:
    """Write all files."""
    for name, text in texts():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
