"""Cases of protocol §8: proofs that carry their checkpoint, and requests to a witness."""

from __future__ import annotations

from typing import Any

from licensing_protocol.canonical import JsonObject, to_base64url
from tests.vectors.forge import EXPORTER, NOW, STRANGER, accepted, refused, seed
from tests.vectors.log_forge import (
    ENTRIES,
    LEAVES,
    NAMES,
    ORIGIN,
    SECOND,
    WITNESS,
    b64,
    cosigned_line,
    growth_from,
    head_of,
    path_to,
    signed_line,
    tree_root,
    vkey_of,
)


def tlog_proof_cases() -> list[JsonObject]:
    size, index = 11, 4
    text = head_of(size, tree_root(LEAVES[:size]))
    log = signed_line(ORIGIN, EXPORTER, text)
    first, second = (cosigned_line(NAMES[name], signer, text) for name, signer in (("w1", WITNESS), ("w2", SECOND)))
    hashes = "".join(f"{b64(found)}\n" for found in path_to(index, LEAVES[:size]))
    head = f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}"
    log_line, witnesses = f"log {vkey_of(ORIGIN, EXPORTER)}\n", _witness_lines()
    shown = {"index": index, "origin": ORIGIN, "size": size, "root": b64(tree_root(LEAVES[:size]))}

    def ask(proof: str, quorum: str = "quorum none\n", entry: bytes = ENTRIES[index]) -> JsonObject:
        return {"proof": proof, "entry": b64(entry), "policy": quorum if "log " in quorum else log_line + quorum}

    def taken(name: str, comment: str, signatures: str, quorum: str) -> JsonObject:
        return accepted(name, comment, ask(f"{head}\n{text}\n{signatures}", quorum), **shown)

    def wrong(name: str, comment: str, proof: str, code: str, quorum: str = "quorum none\n") -> JsonObject:
        return refused(name, comment, ask(proof, quorum), code)

    def bad(name: str, comment: str, code: str, policy: str) -> JsonObject:
        return refused(f"policy: {name}", comment, ask(sound, policy), code)

    both = witnesses + "group both all w1 w2\nquorum both\n"
    nested = witnesses + "group pair 1 w1 w2\n# a comment\n \t\ngroup all all pair\nquorum all\n"
    sound = f"{head}\n{text}\n{log}"
    extra = sound.replace("index", "extra AAEC\nindex", 1)
    return [
        accepted("by the log alone", "the policy asks for no witness", ask(sound), **shown),
        accepted("extra data", "which nothing vouches for", ask(extra), **shown),
        taken("one witness", "who is the quorum", log + first, witnesses + "quorum w1\n"),
        taken("both witnesses", "all of the group", log + first + second, both),
        taken("group in a group", "any of two", log + second, nested),
        refused("another entry", "not the one at that index", ask(sound, entry=ENTRIES[5]), "proof.inclusion"),
        wrong("other first line", "another version", sound.replace("@v1", "@v2"), "tlog_proof.malformed"),
        wrong("no index", "where the entry is", sound.replace(f"index {index}\n", ""), "tlog_proof.malformed"),
        wrong("leading zero", "one spelling", sound.replace("index 4", "index 04"), "tlog_proof.malformed"),
        wrong("not ASCII", "before the checkpoint", "\u00e9" + sound, "tlog_proof.malformed"),
        wrong("no checkpoint", "nothing to prove it against", head, "tlog_proof.malformed"),
        wrong("a hash missing", "the way is too short", sound.replace(hashes, hashes[45:]), "proof.length"),
        wrong("one witness of two", "both are asked for", f"{head}\n{text}\n{log}{first}", "policy.quorum", both),
        wrong("no witness", "one is asked for", sound, "policy.quorum", nested),
        wrong(
            "witnesses without the log",
            "they do not stand for it",
            f"{head}\n{text}\n{first}{second}",
            "note.unsigned",
            both,
        ),
        wrong(
            "false witness",
            "it did not sign this",
            f"{head}\n{text}\n{log}{cosigned_line(NAMES['w1'], WITNESS, text + 'x')}",
            "note.signature",
            both,
        ),
        bad("log unknown", "it names none", "checkpoint.origin", "# no log here\nquorum none\n"),
        bad("no quorum", "it must be said", "policy.quorum", log_line),
        bad("two quorums", "it is said once", "policy.quorum", log_line + "quorum none\nquorum none\n"),
        bad("unknown quorum", "defined nowhere", "policy.quorum", log_line + "quorum w1\n"),
        bad("unknown word", "lines begin with one of four", "policy.line", log_line + "logs\n"),
        bad("log without a key", "nothing to verify with", "policy.line", "log \nquorum none\n"),
        bad("control character", "only tab and newline", "policy.line", log_line + "quorum none\r\n"),
        bad(
            "witness with a log's key",
            "it signs another way",
            "policy.key",
            log_line + f"witness w {vkey_of('w', WITNESS)}\nquorum w\n",
        ),
        bad(
            "log with a witness's key",
            "it signs another way",
            "policy.key",
            f"log {vkey_of(ORIGIN, EXPORTER, kind=4)}\nquorum none\n",
        ),
        bad(
            "the same key twice",
            "under another name",
            "policy.key",
            log_line + witnesses + f"witness w3 {vkey_of('w3', WITNESS, kind=4)}\nquorum w3\n",
        ),
        bad("name twice", "each has its own", "policy.name", log_line + witnesses + "group w1 any w2\nquorum w1\n"),
        bad("called none", "that word is taken", "policy.name", log_line + "group none any w\nquorum none\n"),
        bad("group without members", "none to be met by", "policy.group", log_line + "group g any\nquorum g\n"),
        bad(
            "member twice",
            "in two groups",
            "policy.group",
            log_line + witnesses + "group g any w1\ngroup h any w1\nquorum g\n",
        ),
        bad(
            "member defined later",
            "only names from before",
            "policy.group",
            log_line + "group g any w1\n" + witnesses + "quorum g\n",
        ),
        bad("threshold too high", "three of two", "policy.group", log_line + witnesses + "group g 3 w1 w2\nquorum g\n"),
        bad("threshold zero", "at least one", "policy.group", log_line + witnesses + "group g 0 w1 w2\nquorum g\n"),
    ]


def add_checkpoint_cases() -> list[JsonObject]:
    key = vkey_of(ORIGIN, EXPORTER)
    text = head_of(11, tree_root(LEAVES[:11]))
    note = f"{text}\n{signed_line(ORIGIN, EXPORTER, text)}"
    renamed = f"{text}\n{signed_line('key.example', EXPORTER, text)}"
    growth = "".join(f"{b64(found)}\n" for found in growth_from(6, LEAVES[:11]))
    witness = {"name": NAMES["w1"], "secret": to_base64url(seed("witness")), "time": NOW}

    def ask(request: str, size: int = 6, **state: Any) -> JsonObject:
        known = {"vkeys": [key], "size": size, "root": b64(tree_root(LEAVES[:size]))}
        return {"state": known | state, "request": request}

    def told(name: str, comment: str, question: JsonObject, status: int, body: str = "") -> JsonObject:
        return accepted(name, comment, question, status=status, body=body)

    def head(text: str) -> str:
        return f"old 6\n{growth}\n{text}\n{signed_line(ORIGIN, EXPORTER, text)}"

    sound, line = f"old 6\n{growth}\n{note}", cosigned_line(NAMES["w1"], WITNESS, text)
    return [
        told("grown", "it may be cosigned", ask(sound), 200),
        told("grown and cosigned", "the line to add", ask(sound, witness=witness), 200, line),
        told("first seen", "nothing to prove", {"state": {"vkeys": [key]}, "request": f"old 0\n\n{note}"}, 200),
        told("seen again", "the same tree", ask(f"old 11\n\n{note}", 11), 200),
        told(
            "key of another name",
            "the origin is said beside it",
            {
                "state": {"vkeys": [vkey_of("key.example", EXPORTER)], "origin": ORIGIN},
                "request": f"old 0\n\n{renamed}",
            },
            200,
        ),
        told("key of another origin", "which is said beside it", ask(sound, origin="other.example"), 404),
        told("unknown log", "no key of it", ask(sound, vkeys=[vkey_of("other.example", EXPORTER)]), 404),
        told(
            "not signed by the log",
            "a stranger signed",
            ask(f"old 6\n{growth}\n{text}\n{signed_line(ORIGIN, STRANGER, text)}"),
            403,
        ),
        told(
            "false signature",
            "of a known key",
            ask(f"old 6\n{growth}\n{text}\n{signed_line(ORIGIN, EXPORTER, text + 'x')}"),
            403,
        ),
        told("old size too large", "larger than the checkpoint", ask(f"old 12\n\n{note}", 12), 400),
        told("other old size", "the body says which one", ask(sound, 7), 409, "7\n"),
        told(
            "two trees of one size",
            "a split view",
            ask(f"old 11\n\n{note}", 11, root=b64(tree_root(LEAVES[1:12]))),
            409,
            "11\n",
        ),
        told("false proof", "it does not lead to the root", ask(sound.replace(growth[:45], growth[45:90])), 422),
        told(
            "proof from nothing",
            "there is nothing to prove",
            {"state": {"vkeys": [key]}, "request": f"old 0\n{growth}\n{note}"},
            422,
        ),
        told("no checkpoint", "some other note", ask(head("hello\n")), 400),
        refused("no old size", "the first line", ask(sound.replace("old 6", "new 6")), "add_checkpoint.malformed"),
        refused("leading zero", "one spelling", ask(sound.replace("old 6", "old 06")), "add_checkpoint.malformed"),
        refused("64 hashes", "63 at most", ask(f"old 6\n{growth[:45] * 64}\n{note}"), "add_checkpoint.malformed"),
        refused("short hash", "31 bytes", ask(f"old 6\n{b64(bytes(31))}\n\n{note}"), "add_checkpoint.malformed"),
        refused("no blank line", "no checkpoint", ask(f"old 6\n{growth}"), "add_checkpoint.malformed"),
        refused("no signatures", "no note", ask(f"old 6\n{growth}\n{text}"), "note.malformed"),
    ]


def _witness_lines() -> str:
    keys = {"w1": vkey_of(NAMES["w1"], WITNESS, kind=4), "w2": vkey_of(NAMES["w2"], SECOND, kind=4)}
    return "".join(f"witness {name} {key} https://{NAMES[name]}\n" for name, key in keys.items())
