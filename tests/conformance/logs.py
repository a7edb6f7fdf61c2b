"""Verbs for the transparency log: proofs, notes, checkpoints, witnesses. Hashes are base64 as C2SP has it."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from licensing_protocol.canonical import JsonObject
from licensing_protocol.fields import Fields
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.log import checkpoint as checkpoints
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.lines import from_base64, to_base64
from licensing_protocol.log.merkle import EMPTY_ROOT
from licensing_protocol.log.note import Note, Signature
from licensing_protocol.log.note_key import NoteKey, NoteSigner, SignatureType
from licensing_protocol.log.policy import Policy
from licensing_protocol.log.proof import verify_consistency, verify_inclusion
from licensing_protocol.log.tiles import MAX_ENTRY_BYTES
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_protocol.log.witness import AddCheckpoint, Answer, Seen, judge
from tests.conformance.verb import Verb, asked, instant, maybe, string

_MOST_HASHES: Final = 100
_MOST_KEYS: Final = 100
_LONGEST_ENTRY: Final = 2 * MAX_ENTRY_BYTES


def _inclusion(question: JsonObject) -> JsonObject:
    """Verify that a leaf is in a tree: ``{leaf_hash, index, size, proof, root}`` → ``{}``."""
    values = asked(
        question,
        lambda fields: (
            _hash(fields, "leaf_hash"),
            fields.integer("index"),
            fields.integer("size"),
            _hashes(fields),
            _hash(fields, "root"),
        ),
    )
    verify_inclusion(*values)
    return {}


def _consistency(question: JsonObject) -> JsonObject:
    """Verify that a tree only grew: ``{size1, size2, root1, root2, proof}`` → ``{}``."""
    values = asked(
        question,
        lambda fields: (
            fields.integer("size1"),
            _hash(fields, "root1"),
            fields.integer("size2"),
            _hash(fields, "root2"),
            _hashes(fields),
        ),
    )
    verify_consistency(*values)
    return {}


def _note(question: JsonObject) -> JsonObject:
    """Verify a signed note: ``{note, vkeys}`` → ``{verified}``, the names of the keys that signed it."""
    note, keys = asked(question, lambda fields: (string(fields, "note"), _keys(fields)))
    return {"verified": [key.name for key in Note.parse(note.encode()).verify(keys)]}


def _checkpoint(question: JsonObject) -> JsonObject:
    """Verify a log's checkpoint: ``{checkpoint, vkey}`` → ``{origin, size, root}``."""
    note, key = asked(question, lambda fields: (string(fields, "checkpoint"), string(fields, "vkey")))
    return _shown(checkpoints.verify(Note.parse(note.encode()), [NoteKey.parse(key)]))


def _cosignature(question: JsonObject) -> JsonObject:
    """Verify a witness's cosignature: ``{checkpoint, vkey}`` → ``{time}``, when it was made."""
    note, key = asked(question, lambda fields: (string(fields, "checkpoint"), string(fields, "vkey")))
    parsed = Note.parse(note.encode())
    Checkpoint.parse(parsed.text)
    return {"time": parsed.cosigned_at(NoteKey.parse(key))}


def _tlog_proof(question: JsonObject) -> JsonObject:
    """Verify a proof by a policy: ``{proof, entry, policy}`` → ``{index, origin, size, root}``; ``entry`` is base64."""
    proof, entry, policy = asked(
        question,
        lambda fields: (
            string(fields, "proof"),
            from_base64(string(fields, "entry", longest=_LONGEST_ENTRY), "base64.malformed"),
            string(fields, "policy"),
        ),
    )
    parsed = TlogProof.parse(proof.encode())
    checkpoint = parsed.verify(entry, Policy.parse(policy.encode()).verify)
    return {"index": parsed.index} | _shown(checkpoint)


def _add_checkpoint(question: JsonObject) -> JsonObject:
    """Answer as a witness: ``{state: {vkeys, origin?, size?, root?, witness?}, request}`` → ``{status, body}``.

    ``state`` is what the witness knows of the log; ``witness`` is ``{name, secret, time}``, and cosigns.
    """
    state, text = asked(question, lambda fields: (fields.take("state"), string(fields, "request")))
    keys, origin, seen, witness = asked(
        state,
        lambda fields: (
            _keys(fields),
            maybe(fields, "origin", lambda name: string(fields, name)),
            _seen(fields),
            maybe(fields, "witness", fields.take),
        ),
    )
    request = AddCheckpoint.parse(text.encode())
    judged = judge(request, keys, seen, origin)
    body = "" if judged.size is None else f"{judged.size}\n"
    if judged.answer is Answer.COSIGNED and witness is not None:
        signer, now = asked(witness, _signer)
        body = Signature.make(request.note.text, signer, now).to_line()
    return {"status": int(judged.answer), "body": body}


def _signer(fields: Fields) -> tuple[NoteSigner, int]:
    private = Ed25519PrivateKey.from_private_bytes(fields.octets("secret"))
    signer = SoftwareSigner(private)
    return NoteSigner(fields.text("name"), SignatureType.COSIGNATURE, signer), instant(fields, "time")


def _seen(fields: Fields) -> Seen:
    size = fields.optional("size", fields.integer) or 0
    root = fields.optional("root", lambda name: _hash(fields, name))
    return Seen(size, EMPTY_ROOT if root is None else root)


def _keys(fields: Fields) -> list[NoteKey]:
    return [NoteKey.parse(_text(key)) for key in fields.list_of("vkeys", most=_MOST_KEYS)]


def _hashes(fields: Fields) -> list[bytes]:
    return [from_base64(_text(found), "base64.malformed") for found in fields.list_of("proof", most=_MOST_HASHES)]


def _hash(fields: Fields, name: str) -> bytes:
    return from_base64(string(fields, name), "base64.malformed")


def _text(value: Any) -> str:
    return string(Fields({"member": value}, "input"), "member")


def _shown(checkpoint: Checkpoint) -> JsonObject:
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": to_base64(checkpoint.root)}


VERBS: Final[dict[str, Verb]] = {
    "inclusion": _inclusion,
    "consistency": _consistency,
    "note": _note,
    "checkpoint": _checkpoint,
    "cosignature": _cosignature,
    "tlog-proof": _tlog_proof,
    "add-checkpoint": _add_checkpoint,
}
