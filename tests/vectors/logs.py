"""Cases of protocol §8: proofs by the recursion of RFC 6962, notes and what stands in them written by hand."""

from __future__ import annotations

import base64
from typing import Any

from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.keys import SoftwareSigner
from tests.vectors.forge import EXPORTER, NOW, STRANGER, VENDOR, accepted, ed25519_signer, refused, seed, sha256

ORIGIN = "log.exporter.example/main"
WITNESS = ed25519_signer("witness")
SECOND = ed25519_signer("second witness")
NAMES = {"w1": "witness.example/w1", "w2": "witness.example/w2"}
ENTRIES = [f"entry {number}".encode() for number in range(23)]
LEAVES = [sha256(b"\x00", entry) for entry in ENTRIES]


def inclusion_cases() -> list[JsonObject]:
    size = 11
    root = _root(LEAVES[:size])

    def ask(index: int, size: int = size, **changes: Any) -> JsonObject:
        proof = [_b64(found) for found in _path(index, LEAVES[:size])] if index < size else []
        asked = {"leaf_hash": _b64(LEAVES[index]), "index": index, "size": size, "proof": proof}
        return asked | {"root": _b64(_root(LEAVES[:size]))} | changes

    sound = ask(4)
    flipped = [_b64(bytes([_bytes(sound["proof"][0])[0] ^ 1]) + _bytes(sound["proof"][0])[1:]), *sound["proof"][1:]]
    return [
        *(accepted(f"leaf {index} of {size}", "from the sibling up", ask(index)) for index in range(size)),
        accepted("the only leaf", "no sibling: its hash is the root", ask(0, 1)),
        accepted("the last of 23", "alone on several levels", ask(22, 23)),
        refused("changed hash", "the way leads to another root", sound | {"proof": flipped}, "proof.inclusion"),
        refused(
            "another leaf", "which is in the tree elsewhere", sound | {"leaf_hash": _b64(LEAVES[5])}, "proof.inclusion"
        ),
        refused("another root", "of a smaller tree", sound | {"root": _b64(_root(LEAVES[:10]))}, "proof.inclusion"),
        refused("another index", "as long a way", sound | {"index": 5}, "proof.inclusion"),
        refused("too short", "a hash is missing", sound | {"proof": sound["proof"][:-1]}, "proof.length"),
        refused("too long", "a hash too many", sound | {"proof": [*sound["proof"], _b64(root)]}, "proof.length"),
        refused("beyond the tree", "its leaves are 0 to 10", sound | {"index": 11}, "proof.index"),
        refused("in nothing", "an empty tree has no leaf", sound | {"size": 0, "index": 0}, "proof.index"),
        refused("short hash", "31 bytes", sound | {"root": _b64(root[:31])}, "proof.hash"),
        refused("base64url", "the other alphabet", sound | {"root": "_" * 43 + "="}, "base64.malformed"),
    ]


def consistency_cases() -> list[JsonObject]:
    def ask(old: int, size: int, **changes: Any) -> JsonObject:
        proof = _growth(old, LEAVES[:size]) if 0 < old < size else []
        asked = {"size1": old, "size2": size, "root1": _b64(_root(LEAVES[:old])), "root2": _b64(_root(LEAVES[:size]))}
        return asked | {"proof": list(map(_b64, proof))} | changes

    pairs = [(1, 2), (2, 3), (3, 7), (4, 7), (6, 8), (7, 8), (8, 23), (10, 11), (16, 23), (22, 23)]
    sound, nothing = ask(6, 11), _b64(sha256())
    return [
        *(accepted(f"{old} to {size}", "grew", ask(old, size)) for old, size in pairs),
        accepted("from nothing", "nothing to prove", ask(0, 7)),
        accepted("nothing to nothing", "both the hash of nothing", ask(0, 0)),
        accepted("to itself", "nothing to prove", ask(7, 7)),
        refused("changed old root", "of other leaves", sound | {"root1": nothing}, "proof.consistency"),
        refused("changed new root", "of other leaves", sound | {"root2": nothing}, "proof.consistency"),
        refused("two of one size", "the roots differ", ask(7, 7, root1=nothing), "proof.consistency"),
        refused(
            "nothing with a root", "an empty tree has one root", ask(0, 7, root1=_b64(LEAVES[0])), "proof.consistency"
        ),
        refused(
            "nothing with two roots",
            "both must be that of nothing",
            ask(0, 0, root2=_b64(LEAVES[0])),
            "proof.consistency",
        ),
        refused("swapped", "the hashes in another order", sound | {"proof": sound["proof"][::-1]}, "proof.consistency"),
        refused("too short", "a hash is missing", sound | {"proof": sound["proof"][:-1]}, "proof.length"),
        refused("too long", "a hash too many", sound | {"proof": [*sound["proof"], nothing]}, "proof.length"),
        refused("proof from nothing", "there is nothing to prove", ask(0, 7, proof=[nothing]), "proof.length"),
        refused("shrunk", "the old tree is the larger one", sound | {"size1": 12}, "proof.index"),
        refused("short hash", "31 bytes", sound | {"root1": _b64(bytes(31))}, "proof.hash"),
    ]


def note_cases() -> list[JsonObject]:
    text = "Two paragraphs.\n\nThe last blank line is the one that counts.\n"
    key, other = _vkey("exporter.example", EXPORTER), _vkey("vendor.example", VENDOR)
    line = _line("exporter.example", EXPORTER, text)
    sound = f"{text}\n{line}"
    stranger = _line("exporter.example", STRANGER, text)
    many = "".join(_line(f"s{number}.example", STRANGER, text) for number in range(20))

    def ask(note: str, *keys: str) -> JsonObject:
        return {"note": note, "vkeys": list(keys or (key,))}

    def wrong(name: str, comment: str, note: str, code: str, *keys: str) -> JsonObject:
        return refused(name, comment, ask(note, *keys), code)

    wrong_id = key.replace("+", "+00000000+", 1).replace(key.split("+")[1] + "+", "", 1)
    return [
        accepted("signed", "by the one key", ask(sound), verified=["exporter.example"]),
        accepted("twice by one", "named once", ask(sound + line), verified=["exporter.example"]),
        accepted(
            "twenty unknown ones", "they are ignored", ask(f"{text}\n{many}{line}"), verified=["exporter.example"]
        ),
        accepted(
            "same name, other key",
            "its id differs, so it is unknown",
            ask(f"{text}\n{stranger}{line}"),
            verified=["exporter.example"],
        ),
        accepted(
            "two known ones",
            "in the order of the note",
            ask(sound + _line("vendor.example", VENDOR, text), key, other),
            verified=["exporter.example", "vendor.example"],
        ),
        wrong("only unknown ones", "nobody vouches for it", f"{text}\n{stranger}", "note.unsigned"),
        wrong("no keys known", "as above", sound, "note.unsigned", other),
        wrong(
            "one bad among good",
            "a known key is named that did not sign",
            sound + _line("vendor.example", VENDOR, text + "x"),
            "note.signature",
            key,
            other,
        ),
        wrong("changed text", "one letter", "t" + sound[1:], "note.signature"),
        wrong(
            "short signature",
            "63 bytes",
            f"{text}\n" + _line("exporter.example", EXPORTER, text, cut=1),
            "note.signature",
        ),
        wrong("no blank line", "where the text ends", text.replace("\n\n", "\n") + line, "note.malformed"),
        wrong("no signatures", "only a blank line", text + "\n", "note.malformed"),
        wrong("no last newline", "each line ends in one", sound[:-1], "note.malformed"),
        wrong("hyphen", "it is an em dash", sound.replace("\u2014 exp", "- exp"), "note.signature_line"),
        wrong("two spaces", "one between the parts", sound.replace("\u2014 exp", "\u2014  exp"), "note.signature_line"),
        wrong(
            "name with a plus", "it parts the verifier key", sound.replace("\u2014 exp", "\u2014 e+p"), "note.key_name"
        ),
        wrong(
            "name with a wide space",
            "no Unicode space either",
            sound.replace("\u2014 exp", "\u2014 e\u2003p"),
            "note.key_name",
        ),
        wrong("no signature bytes", "only an id", f"{text}\n\u2014 x AAAAAA==\n", "note.signature_line"),
        wrong("unpadded", "base64 with its padding", sound.replace("=\n", "\n"), "note.signature_line"),
        wrong("carriage return", "a control character", sound.replace(".\n", ".\r\n", 1), "note.encoding"),
        wrong("key without an id", "three parts", sound, "note.key", "exporter.example"),
        wrong("key with another id", "not of this name and key", sound, "note.key", wrong_id),
        wrong(
            "key of another kind",
            "a number that is not used here",
            sound,
            "note.key",
            _vkey("exporter.example", EXPORTER, kind=9),
        ),
        wrong("short key", "31 bytes", sound, "note.key", _vkey("exporter.example", EXPORTER, cut=1)),
        wrong(
            "key of small order", "its holder signs everything at once", sound, "note.key", _vkey_of("x", 1, bytes(32))
        ),
        wrong("key without a name", "it is not empty", sound, "note.key_name", key[key.index("+") :]),
    ]


def checkpoint_cases() -> list[JsonObject]:
    key = _vkey(ORIGIN, EXPORTER)
    root = _root(LEAVES[:7])
    text = _head(7, root)

    def ask(text: str, vkey: str = key, signer: SoftwareSigner = EXPORTER) -> JsonObject:
        return {"checkpoint": f"{text}\n{_line(ORIGIN, signer, text)}", "vkey": vkey}

    def wrong(name: str, comment: str, text: str, code: str = "checkpoint.malformed") -> JsonObject:
        return refused(name, comment, ask(text), code)

    shown = {"origin": ORIGIN, "size": 7, "root": _b64(root)}
    return [
        accepted("seven leaves", "three lines", ask(text), **shown),
        accepted("an extension", "taken, and trusted for nothing", ask(text + "time 7\n"), **shown),
        accepted(
            "no leaves", "the hash of nothing", ask(_head(0, sha256())), origin=ORIGIN, size=0, root=_b64(sha256())
        ),
        refused(
            "another log's key",
            "it bears another name",
            ask(text, _vkey("other.example", EXPORTER)),
            "checkpoint.origin",
        ),
        refused("a stranger's key", "under the log's name", ask(text, signer=STRANGER), "note.unsigned"),
        wrong("two lines", "the root is missing", f"{ORIGIN}\n7\n"),
        wrong("empty line", "no line is empty", text + "\n"),
        wrong("leading zero", "one spelling for each number", text.replace("\n7\n", "\n07\n")),
        wrong("too large", "2^63", text.replace("\n7\n", f"\n{2**63}\n")),
        wrong("short root", "31 bytes", _head(7, root[:31])),
        wrong("root in base64url", "the other alphabet", f"{ORIGIN}\n7\n{'_' * 43}=\n"),
        wrong("no leaves, some root", "an empty tree has one root", _head(0, root), "checkpoint.empty"),
    ]


def cosignature_cases() -> list[JsonObject]:
    text, name = _head(7, _root(LEAVES[:7])), NAMES["w1"]
    key = _vkey(name, WITNESS, kind=4)
    log = _line(ORIGIN, EXPORTER, text)
    sound = f"{text}\n{log}{_cosigned(name, WITNESS, text)}"
    later = sound + _cosigned(name, WITNESS, text, NOW + 9)
    far = f"{text}\n{_cosigned(name, WITNESS, text, 2**63)}"

    def wrong(name: str, comment: str, checkpoint: str, code: str, vkey: str = key) -> JsonObject:
        return refused(name, comment, {"checkpoint": checkpoint, "vkey": vkey}, code)

    return [
        accepted("cosigned", "with its time", {"checkpoint": sound, "vkey": key}, time=NOW),
        accepted("cosigned again", "the later time counts", {"checkpoint": later, "vkey": key}, time=NOW + 9),
        wrong("another time", "it is signed along", _retimed(sound, name), "note.signature"),
        wrong("time over 2^63", "no time", far, "note.signature"),
        wrong("not cosigned", "by the log only", f"{text}\n{log}", "note.unsigned"),
        wrong("signed as a note", "the key id is another", f"{text}\n{_line(name, WITNESS, text)}", "note.unsigned"),
        wrong("a log's key", "it does not cosign", sound, "note.key", _vkey(name, WITNESS)),
        wrong(
            "no checkpoint",
            "only checkpoints are cosigned",
            f"x\n\n{_cosigned(name, WITNESS, 'x' + chr(10))}",
            "checkpoint.malformed",
        ),
    ]


def tlog_proof_cases() -> list[JsonObject]:
    size, index = 11, 4
    text = _head(size, _root(LEAVES[:size]))
    log = _line(ORIGIN, EXPORTER, text)
    first, second = (_cosigned(NAMES[name], signer, text) for name, signer in (("w1", WITNESS), ("w2", SECOND)))
    hashes = "".join(f"{_b64(found)}\n" for found in _path(index, LEAVES[:size]))
    head = f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}"
    log_line, witnesses = f"log {_vkey(ORIGIN, EXPORTER)}\n", _witness_lines()
    shown = {"index": index, "origin": ORIGIN, "size": size, "root": _b64(_root(LEAVES[:size]))}

    def ask(proof: str, quorum: str = "quorum none\n", entry: bytes = ENTRIES[index]) -> JsonObject:
        return {"proof": proof, "entry": _b64(entry), "policy": quorum if "log " in quorum else log_line + quorum}

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
            f"{head}\n{text}\n{log}{_cosigned(NAMES['w1'], WITNESS, text + 'x')}",
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
            log_line + f"witness w {_vkey('w', WITNESS)}\nquorum w\n",
        ),
        bad(
            "log with a witness's key",
            "it signs another way",
            "policy.key",
            f"log {_vkey(ORIGIN, EXPORTER, kind=4)}\nquorum none\n",
        ),
        bad(
            "the same key twice",
            "under another name",
            "policy.key",
            log_line + witnesses + f"witness w3 {_vkey('w3', WITNESS, kind=4)}\nquorum w3\n",
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
    key = _vkey(ORIGIN, EXPORTER)
    text = _head(11, _root(LEAVES[:11]))
    note = f"{text}\n{_line(ORIGIN, EXPORTER, text)}"
    growth = "".join(f"{_b64(found)}\n" for found in _growth(6, LEAVES[:11]))
    witness = {"name": NAMES["w1"], "secret": to_base64url(seed("witness")), "time": NOW}

    def ask(request: str, size: int = 6, **state: Any) -> JsonObject:
        known = {"vkeys": [key], "size": size, "root": _b64(_root(LEAVES[:size]))}
        return {"state": known | state, "request": request}

    def told(name: str, comment: str, question: JsonObject, status: int, body: str = "") -> JsonObject:
        return accepted(name, comment, question, status=status, body=body)

    def head(text: str) -> str:
        return f"old 6\n{growth}\n{text}\n{_line(ORIGIN, EXPORTER, text)}"

    sound, line = f"old 6\n{growth}\n{note}", _cosigned(NAMES["w1"], WITNESS, text)
    return [
        told("grown", "it may be cosigned", ask(sound), 200),
        told("grown and cosigned", "the line to add", ask(sound, witness=witness), 200, line),
        told("first seen", "nothing to prove", {"state": {"vkeys": [key]}, "request": f"old 0\n\n{note}"}, 200),
        told("seen again", "the same tree", ask(f"old 11\n\n{note}", 11), 200),
        told("unknown log", "no key of it", ask(sound, vkeys=[_vkey("other.example", EXPORTER)]), 404),
        told(
            "not signed by the log",
            "a stranger signed",
            ask(f"old 6\n{growth}\n{text}\n{_line(ORIGIN, STRANGER, text)}"),
            403,
        ),
        told(
            "false signature",
            "of a known key",
            ask(f"old 6\n{growth}\n{text}\n{_line(ORIGIN, EXPORTER, text + 'x')}"),
            403,
        ),
        told("old size too large", "larger than the checkpoint", ask(f"old 12\n\n{note}", 12), 400),
        told("other old size", "the body says which one", ask(sound, 7), 409, "7\n"),
        told(
            "two trees of one size",
            "a split view",
            ask(f"old 11\n\n{note}", 11, root=_b64(_root(LEAVES[1:12]))),
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
        refused("short hash", "31 bytes", ask(f"old 6\n{_b64(bytes(31))}\n\n{note}"), "add_checkpoint.malformed"),
        refused("no blank line", "no checkpoint", ask(f"old 6\n{growth}"), "add_checkpoint.malformed"),
        refused("no signatures", "no note", ask(f"old 6\n{growth}\n{text}"), "note.malformed"),
    ]


def _witness_lines() -> str:
    keys = {"w1": _vkey(NAMES["w1"], WITNESS, kind=4), "w2": _vkey(NAMES["w2"], SECOND, kind=4)}
    return "".join(f"witness {name} {key} https://{NAMES[name]}\n" for name, key in keys.items())


def _root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    half = _half(leaves)
    return sha256(b"\x01", _root(leaves[:half]), _root(leaves[half:]))


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1."""
    if len(leaves) < 2:
        return []
    half = _half(leaves)
    if index < half:
        return [*_path(index, leaves[:half]), _root(leaves[half:])]
    return [*_path(index - half, leaves[half:]), _root(leaves[:half])]


def _growth(old: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2."""
    if old == len(leaves):
        return [] if whole else [_root(leaves)]
    half = _half(leaves)
    if old <= half:
        return [*_growth(old, leaves[:half], whole), _root(leaves[half:])]
    return [*_growth(old - half, leaves[half:], False), _root(leaves[:half])]


def _half(leaves: list[bytes]) -> int:
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return half


def _head(size: int, root: bytes) -> str:
    return f"{ORIGIN}\n{size}\n{_b64(root)}\n"


def _public(signer: SoftwareSigner) -> bytes:
    raw: bytes = signer.key.public.public_bytes_raw()
    return raw


def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode(), b"\n", bytes([kind]), public)[:4]


def _vkey_of(name: str, kind: int, public: bytes) -> str:
    return f"{name}+{_key_id(name, kind, public).hex()}+{_b64(bytes([kind]) + public)}"


def _vkey(name: str, signer: SoftwareSigner, *, kind: int = 1, cut: int = 0) -> str:
    return _vkey_of(name, kind, _public(signer)[cut:])


def _line(name: str, signer: SoftwareSigner, text: str, *, cut: int = 0) -> str:
    signature = signer.sign(text.encode())[cut:]
    return f"\u2014 {name} {_b64(_key_id(name, 1, _public(signer)) + signature)}\n"


def _cosigned(name: str, signer: SoftwareSigner, text: str, time: int = NOW) -> str:
    signature = signer.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
    return f"\u2014 {name} {_b64(_key_id(name, 4, _public(signer)) + time.to_bytes(8, 'big') + signature)}\n"


def _retimed(note: str, name: str) -> str:
    """Put another time into the cosignature of this name."""
    before, after = note.split(f"\u2014 {name} ")
    data = _bytes(after.strip())
    return before + f"\u2014 {name} {_b64(data[:4] + (NOW + 1).to_bytes(8, 'big') + data[12:])}\n"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
