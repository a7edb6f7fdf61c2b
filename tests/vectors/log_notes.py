"""Cases of protocol §8: notes, checkpoints and cosignatures."""

from __future__ import annotations

from licensing_protocol.canonical import JsonObject
from licensing_protocol.keys import SoftwareSigner
from tests.vectors.forge import EXPORTER, NOW, STRANGER, VENDOR, accepted, refused, sha256
from tests.vectors.log_forge import (
    LEAVES,
    NAMES,
    ORIGIN,
    WITNESS,
    b64,
    cosigned_line,
    head_of,
    signed_line,
    tree_root,
    unb64,
    vkey_from,
    vkey_of,
)


def note_cases() -> list[JsonObject]:
    text = "Two paragraphs.\n\nThe last blank line is the one that counts.\n"
    key, other = vkey_of("exporter.example", EXPORTER), vkey_of("vendor.example", VENDOR)
    line = signed_line("exporter.example", EXPORTER, text)
    sound = f"{text}\n{line}"
    stranger = signed_line("exporter.example", STRANGER, text)
    many = "".join(signed_line(f"s{number}.example", STRANGER, text) for number in range(20))

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
            ask(sound + signed_line("vendor.example", VENDOR, text), key, other),
            verified=["exporter.example", "vendor.example"],
        ),
        wrong("only unknown ones", "nobody vouches for it", f"{text}\n{stranger}", "note.unsigned"),
        wrong("no keys known", "as above", sound, "note.unsigned", other),
        wrong(
            "one bad among good",
            "a known key is named that did not sign",
            sound + signed_line("vendor.example", VENDOR, text + "x"),
            "note.signature",
            key,
            other,
        ),
        wrong("changed text", "one letter", "t" + sound[1:], "note.signature"),
        wrong(
            "short signature",
            "63 bytes",
            f"{text}\n" + signed_line("exporter.example", EXPORTER, text, cut=1),
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
            vkey_of("exporter.example", EXPORTER, kind=9),
        ),
        wrong("short key", "31 bytes", sound, "note.key", vkey_of("exporter.example", EXPORTER, cut=1)),
        wrong(
            "key of small order", "its holder signs everything at once", sound, "note.key", vkey_from("x", 1, bytes(32))
        ),
        wrong("key without a name", "it is not empty", sound, "note.key_name", key[key.index("+") :]),
    ]


def checkpoint_cases() -> list[JsonObject]:
    key = vkey_of(ORIGIN, EXPORTER)
    root = tree_root(LEAVES[:7])
    text = head_of(7, root)

    def ask(text: str, vkey: str = key, signer: SoftwareSigner = EXPORTER) -> JsonObject:
        return {"checkpoint": f"{text}\n{signed_line(ORIGIN, signer, text)}", "vkey": vkey}

    def wrong(name: str, comment: str, text: str, code: str = "checkpoint.malformed") -> JsonObject:
        return refused(name, comment, ask(text), code)

    shown = {"origin": ORIGIN, "size": 7, "root": b64(root)}
    return [
        accepted("seven leaves", "three lines", ask(text), **shown),
        accepted("an extension", "taken, and trusted for nothing", ask(text + "time 7\n"), **shown),
        accepted(
            "no leaves", "the hash of nothing", ask(head_of(0, sha256())), origin=ORIGIN, size=0, root=b64(sha256())
        ),
        refused(
            "another log's key",
            "it bears another name",
            ask(text, vkey_of("other.example", EXPORTER)),
            "checkpoint.origin",
        ),
        refused("a stranger's key", "under the log's name", ask(text, signer=STRANGER), "note.unsigned"),
        wrong("two lines", "the root is missing", f"{ORIGIN}\n7\n"),
        wrong("empty line", "no line is empty", text + "\n"),
        wrong("leading zero", "one spelling for each number", text.replace("\n7\n", "\n07\n")),
        wrong("too large", "2^63", text.replace("\n7\n", f"\n{2**63}\n")),
        wrong("short root", "31 bytes", head_of(7, root[:31])),
        wrong("root in base64url", "the other alphabet", f"{ORIGIN}\n7\n{'_' * 43}=\n"),
        wrong("no leaves, some root", "an empty tree has one root", head_of(0, root), "checkpoint.empty"),
    ]


def cosignature_cases() -> list[JsonObject]:
    text, name = head_of(7, tree_root(LEAVES[:7])), NAMES["w1"]
    key = vkey_of(name, WITNESS, kind=4)
    log = signed_line(ORIGIN, EXPORTER, text)
    sound = f"{text}\n{log}{cosigned_line(name, WITNESS, text)}"
    later = sound + cosigned_line(name, WITNESS, text, NOW + 9)
    far = f"{text}\n{cosigned_line(name, WITNESS, text, 2**63)}"

    def wrong(name: str, comment: str, checkpoint: str, code: str, vkey: str = key) -> JsonObject:
        return refused(name, comment, {"checkpoint": checkpoint, "vkey": vkey}, code)

    return [
        accepted("cosigned", "with its time", {"checkpoint": sound, "vkey": key}, time=NOW),
        accepted("cosigned again", "the later time counts", {"checkpoint": later, "vkey": key}, time=NOW + 9),
        wrong("another time", "it is signed along", _retimed(sound, name), "note.signature"),
        wrong("time over 2^63", "no time", far, "note.signature"),
        wrong("not cosigned", "by the log only", f"{text}\n{log}", "note.unsigned"),
        wrong(
            "signed as a note", "the key id is another", f"{text}\n{signed_line(name, WITNESS, text)}", "note.unsigned"
        ),
        wrong("a log's key", "it does not cosign", sound, "note.key", vkey_of(name, WITNESS)),
        wrong(
            "no checkpoint",
            "only checkpoints are cosigned",
            f"x\n\n{cosigned_line(name, WITNESS, 'x' + chr(10))}",
            "checkpoint.malformed",
        ),
    ]


def _retimed(note: str, name: str) -> str:
    """Put another time into the cosignature of this name."""
    before, after = note.split(f"\u2014 {name} ")
    data = unb64(after.strip())
    return before + f"\u2014 {name} {b64(data[:4] + (NOW + 1).to_bytes(8, 'big') + data[12:])}\n"
